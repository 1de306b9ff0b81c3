; Traps and little else: supervisor calls with the shortest handler there is. The checksum is the
; number of times it ran.
rounds = 300000                     ; a trap, a return and three instructions each
        .org  4
        .word 0, trap, 0, 65536
        .org  8
        lui   r5, rounds >> 16
        ori   r5, r5, rounds & 0xffff
loop:   svc   0
        addi  r5, r5, -1
        bne   r5, r0, ->loop
        call  r6, hex
        halt
trap:   addi  r1, r1, 1
        lpsw  0(r0)

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
