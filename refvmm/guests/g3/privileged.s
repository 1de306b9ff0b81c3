; A user program tries every privileged instruction; none of them does anything but trap.
        .org  4
        .word 0, trap, 0, 65536     ; the new PSW: supervisor, all of storage
        .org  8
        lpsw  start(r0)
start:  .word 1 << 31, user, 0, 65536

; The handler of every trap: reports it as "code argument pc", goes on behind the instruction.
; Its registers are r1 to r4 and r6; r0 is 0 in all of this program.
trap:   lw    r1, 0(r0)
        li    r2, 8
        shl   r1, r1, r2
        li    r2, 24
        shr   r1, r1, r2
        call  r6, decimal           ; what happened
        li    r1, ' '
        out   r1
        lw    r1, 0(r0)
        li    r2, 16
        shl   r1, r1, r2
        shr   r1, r1, r2
        call  r6, decimal           ; its argument
        li    r1, ' '
        out   r1
        lw    r1, 1(r0)
        call  r6, decimal           ; where
        li    r1, '\n'
        out   r1
        lw    r1, 0(r0)
        li    r2, 16
        shl   r1, r1, r2
        bne   r1, r0, ->done        ; a supervisor call with an argument ends it

; Goes on behind the instruction, except where the machine already does.
        lw    r1, 0(r0)
        li    r2, 8
        shl   r1, r1, r2
        li    r2, 24
        shr   r1, r1, r2
        li    r2, 3                 ; svc
        beq   r1, r2, ->resume
        li    r2, 4                 ; divide
        beq   r1, r2, ->resume
        lw    r1, 1(r0)
        addi  r1, r1, 1
        sw    r1, 1(r0)
resume: lpsw  0(r0)

; Prints r1 in decimal; changes r1 to r4; returns by r6.
decimal:
        li    r4, buffer
        li    r2, 10
divide: rem   r3, r1, r2
        sw    r3, 0(r4)
        addi  r4, r4, 1
        div   r1, r1, r2
        bne   r1, r0, ->divide
        li    r2, buffer
digit:  addi  r4, r4, -1
        lw    r3, 0(r4)
        addi  r3, r3, '0'
        out   r3
        bne   r4, r2, ->digit
        jr    r6
buffer: .space 10
done:   getmode r5                  ; the handler is in supervisor mode, which is 0
        mov   r1, r5
        call  r6, decimal
        li    r1, '\n'
        out   r1
        halt

        .align 128
user:   li    r1, '!'
        out   r1
        setr  r0, r0
        getr  r1, r2
        getmode r1
        lpsw  start(r0)
        idle
        halt
        svc   7
