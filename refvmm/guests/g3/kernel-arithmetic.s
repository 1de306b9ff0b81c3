; Arithmetic: a linear congruential sequence, stirred; no storage, no traps.
rounds = 2000000                    ; six instructions each
        .org  8
        lui   r5, rounds >> 16
        ori   r5, r5, rounds & 0xffff
        li    r1, 1
        lui   r2, 1664525 >> 16
        ori   r2, r2, 1664525 & 0xffff
        lui   r3, 1013904223 >> 16
        ori   r3, r3, 1013904223 & 0xffff
        li    r4, 16
loop:   mul   r1, r1, r2
        add   r1, r1, r3
        shr   r6, r1, r4
        xor   r1, r1, r6
        addi  r5, r5, -1
        bne   r5, r0, ->loop
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
