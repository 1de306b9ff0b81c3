; Supervisor calls, divisions by zero and opcodes that do not exist, in both modes.
        .org  4
        .word 0, trap, 0, 65536     ; the new PSW: supervisor, all of storage
        .org  8
        call  r7, test
        lpsw  start(r0)
start:  .word 1 << 31, user, 0, 65536
user:   call  r7, test
        svc   0xffff

test:   svc   0
        svc   513
        div   r1, r7, r0
        rem   r1, r0, r0
        .word 0, 0xffffffff, 0x23000000, 0x00010203
        jr    r7

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
        addi  r1, r1, 1
        li    r2, 16
        shl   r1, r1, r2
        beq   r1, r0, ->done        ; the argument 0xffff ends it

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
done:   halt
