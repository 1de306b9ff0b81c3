; Insertion sort; prints the numbers in order.
count = 12
        .org  8
        li    r1, 1                 ; numbers before this one are in order
outer:  lw    r2, numbers(r1)
        mov   r3, r1                ; where it goes
inner:  lw    r4, numbers - 1(r3)
        sltu  r5, r2, r4
        beq   r5, r0, ->found
        sw    r4, numbers(r3)
        addi  r3, r3, -1
        bne   r3, r0, ->inner
found:  sw    r2, numbers(r3)
        addi  r1, r1, 1
        li    r5, count
        bne   r1, r5, ->outer

        li    r5, numbers
show:   lw    r1, 0(r5)
        call  r6, decimal
        li    r1, '\n'
        out   r1
        addi  r5, r5, 1
        li    r1, numbers + count
        bne   r5, r1, ->show
        halt
numbers:
        .word 503, 87, 512, 61, 908, 170, 897, 275, 653, 0, 4294967295, 61

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
