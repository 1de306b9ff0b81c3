; A supervisor loads PSWs that make no sense; what it gets is the trap of the first fetch.
        .org  4
        .word 0, trap, 0, 65536     ; the new PSW: supervisor, all of storage
        .org  8
        li    r5, bad
next:   lpsw  0(r5)
bad:    .word 0, 65536, 0, 65536            ; P behind storage
        .word 0, 8, 0, 0                    ; an empty window
        .word 0, 8, 0xfffffffc, 65536       ; the window ends beyond storage: base + P does not wrap
        .word 1 << 31, 0xffffffff, 1, 64    ; P far behind a window, in user mode
        .word 0x7fffffff, 8, 70000, 9       ; bits that mean nothing, a window beyond storage
        .word 1 << 31, 8, 65530, 16         ; a window that is cut off by the end of storage
last:

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
        addi  r5, r5, 4
        li    r1, last
        bne   r5, r1, ->next
        halt

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
