; Recursion with a stack: factorials, and Fibonacci numbers the slow way.
; r5 is the stack pointer, r7 the return address, r1 the argument and the result.
        .org  8
        li    r5, stack
        li    r1, 10
        call  r7, factorial
        call  r6, decimal
        li    r1, '\n'
        out   r1
        li    r1, 12
        call  r7, fibonacci
        call  r6, decimal
        li    r1, '\n'
        out   r1
        halt

factorial:
        bne   r1, r0, ->times
        li    r1, 1
        jr    r7
times:  sw    r7, 0(r5)
        sw    r1, 1(r5)
        addi  r5, r5, 2
        addi  r1, r1, -1
        call  r7, factorial
        addi  r5, r5, -2
        lw    r2, 1(r5)
        mul   r1, r1, r2
        lw    r7, 0(r5)
        jr    r7

fibonacci:
        li    r2, 2
        slt   r2, r1, r2
        beq   r2, r0, ->sum
        jr    r7
sum:    sw    r7, 0(r5)
        sw    r1, 1(r5)
        addi  r5, r5, 3
        addi  r1, r1, -1
        call  r7, fibonacci
        sw    r1, -1(r5)            ; F(n - 1)
        lw    r1, -2(r5)
        addi  r1, r1, -2
        call  r7, fibonacci
        addi  r5, r5, -3
        lw    r2, 2(r5)
        add   r1, r1, r2
        lw    r7, 0(r5)
        jr    r7

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
stack:  .space 64
