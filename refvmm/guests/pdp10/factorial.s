; Factorials by recursion: a stack with PUSHJ and POPJ, indirect addresses, and a table.
; The data register shows the sum of 0! to 12!.
        .org  0o140
        move  ac15, 0, 0, pointer
        setz  ac3, 0, 0, 0          ; n
next:   move  ac1, 0, 0, 3
        pushj ac15, 0, 0, fact
        movem ac1, 1, 0, where      ; through a pointer that is indexed by n
        aoj   4, ac3, 0, 0, . + 1
        cai   5, ac3, 0, 0, 13      ; skips if n >= 13
        jrst  0, 0, 0, next
        setz  ac4, 0, 0, 0
total:  add   ac4, 0, ac3, table - 1
        soj   6, ac3, 0, 0, total
        movem ac4, 0, 0, result
        datao 1, 0, 0, result
        jrst  4, 0, 0, .

; ac1 := the factorial of ac1.
fact:   jump  2, ac1, 0, 0, one
        push  ac15, 0, 0, 1
        soj   4, ac1, 0, 0, . + 1
        pushj ac15, 0, 0, fact
        imul  ac1, 0, ac15, 0       ; what is on top of the stack
        pop   ac15, 0, 0, 2
        popj  ac15, 0, 0, 0
one:    movei ac1, 0, 0, 1
        popj  ac15, 0, 0, 0

where:  .word 3 << 18 | table       ; index register 3
pointer:
        .word stack - 1             ; both halves count up; the left one starts at 0
result: .word 0
table:  .space 13
stack:  .space 32
