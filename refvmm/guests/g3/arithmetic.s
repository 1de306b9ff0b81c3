; Every instruction that computes, with the operands at its edges: one result a line.
        .org  8
        li    r5, results
        li    r1, 7
        li    r2, -3
        add   r3, r1, r2            ; 4
        call  r7, keep
        sub   r3, r2, r1            ; -10
        call  r7, keep
        mul   r3, r2, r2            ; 9
        call  r7, keep
        lui   r3, 0x8000
        mul   r3, r3, r2            ; the low half of a product
        call  r7, keep
        div   r3, r2, r1            ; unsigned
        call  r7, keep
        rem   r3, r2, r1
        call  r7, keep
        and   r3, r1, r2
        call  r7, keep
        or    r3, r1, r2
        call  r7, keep
        xor   r3, r1, r2
        call  r7, keep
        shl   r3, r2, r1
        call  r7, keep
        shr   r3, r2, r1
        call  r7, keep
        sar   r3, r2, r1
        call  r7, keep
        li    r4, 33
        shl   r3, r1, r4            ; the amount counts modulo 32
        call  r7, keep
        slt   r3, r2, r1            ; signed: -3 < 7
        call  r7, keep
        sltu  r3, r2, r1            ; unsigned: it is not
        call  r7, keep
        lui   r3, 0xdead
        ori   r3, r3, 0xbeef
        call  r7, keep
        lui   r3, 0xffff
        addi  r3, r3, -1            ; immediates of addi have a sign
        call  r7, keep
        mov   r3, r0
        blt   r2, r1, ->less
        addi  r3, r3, 1             ; not reached
less:   blt   r1, r2, ->less        ; not taken
        addi  r3, r3, 2
        call  r7, keep

        mov   r7, r5
        li    r5, results
show:   lw    r1, 0(r5)
        call  r6, hex
        addi  r5, r5, 1
        bne   r5, r7, ->show
        halt

; Appends r3 to the results.
keep:   sw    r3, 0(r5)
        addi  r5, r5, 1
        jr    r7

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
results:
        .space 32
