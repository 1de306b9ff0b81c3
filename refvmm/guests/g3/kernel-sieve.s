; The sieve of Eratosthenes, again and again; the checksum is the sum of all primes found.
rounds = 30                         ; at most 32767
size = 8000                         ; primes below this
        .org  8
        li    r7, rounds
        li    r1, 0                 ; the sum
round:  li    r4, size
        li    r2, 0
clear:  sw    r0, composite(r2)
        addi  r2, r2, 1
        bne   r2, r4, ->clear
        li    r5, 2
next:   lw    r2, composite(r5)
        bne   r2, r0, ->step
        add   r1, r1, r5
        mul   r3, r5, r5
        sltu  r2, r3, r4
        beq   r2, r0, ->step
strike: sw    r5, composite(r3)
        add   r3, r3, r5
        sltu  r2, r3, r4
        bne   r2, r0, ->strike
step:   addi  r5, r5, 1
        bne   r5, r4, ->next
        addi  r7, r7, -1
        bne   r7, r0, ->round
        call  r6, hex
        halt

; Prints r1 as eight hexadecimal digits and a line feed; changes r2 to r4; returns by r6.
hex:    li    r4, 28
digit:  shr   r2, r1, r4
        li    r3, 15
        and   r2, r2, r3
        lw    r2, digits(r2)
        out   r2
        addi  r4, r4, -4
        li    r3, -4
        bne   r4, r3, ->digit
        li    r2, '\n'
        out   r2
        jr    r6
digits: .ascii "0123456789abcdef"
composite:
        .space size
