; The sieve of Eratosthenes: prints the primes below the limit.
limit = 120
        .org  8
        li    r5, 2
next:   lw    r2, composite(r5)
        bne   r2, r0, ->step
        mov   r1, r5
        call  r6, decimal
        li    r1, ' '
        out   r1
        li    r4, limit
        mul   r1, r5, r5
strike: slt   r2, r1, r4
        beq   r2, r0, ->step
        sw    r5, composite(r1)
        add   r1, r1, r5
        jmp   strike
step:   addi  r5, r5, 1
        li    r1, limit
        bne   r5, r1, ->next
        li    r1, '\n'
        out   r1
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
composite:
        .space limit                ; not 0: has a divisor
