; Jumps out of the window: the program counter may point anywhere, the fetch traps.
        .org  4
        .word 0, trap, 0, 65536     ; the new PSW: supervisor, all of storage
        .org  8
        lpsw  start(r0)
start:  .word 1 << 31, 0, user, 16

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
; Each trap starts the next attempt.
        addi  r5, r5, 1
        li    r1, 4
        beq   r5, r1, ->done
        lw    r1, entries(r5)
        sw    r1, start + 1(r0)
        lpsw  start(r0)
done:   halt

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
entries:
        .word 0, 1, 3, 15

        .align 64
user:   jmp   0xffff
        li    r1, -1
        jr    r1
        beq   r0, r0, ->user - 5
        .org  user + 15
        li    r1, 0                 ; the last cell of the window; behind it there is nothing
