; The sum of the numbers from 1 to 100, by counting down; leaves it in the data register.
; Operands: accumulator, indirect, index, address. Conditions: 2 is E, 4 is always, 6 is N.
        .org  0o140
        movei ac1, 0, 0, 100
        setz  ac2, 0, 0, 0
loop:   add   ac2, 0, 0, 1          ; address 1 is accumulator 1
        soj   6, ac1, 0, 0, loop
        movem ac2, 0, 0, sum
        datao 1, 0, 0, sum
        jrst  4, 0, 0, .            ; halt
sum:    .word 0
