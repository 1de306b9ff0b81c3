; Copies in user mode, through relocation and bounds: every load and store is translated.
rounds = 400                        ; at most 65535; seven instructions a cell
size = 3000                         ; cells that are copied
        .org  4
        .word 0, trap, 0, 65536
        .org  8
        lpsw  start(r0)
start:  .word 1 << 31, 0, user, window

; The user program has finished: its checksum is in r1.
trap:   call  r6, hex
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

; The source holds 0, 1, 2, … at first. Round n copies cell i as i ^ n and adds it to the sum.
; The addresses of the user program count from its window, which is no power of two away.
        .org  1003
user:   li    r1, 0
        lui   r5, rounds
        li    r4, 16
        shr   r5, r5, r4            ; rounds, without a sign
        li    r6, 0                 ; the round
fill:   sw    r6, source - user(r6)
        addi  r6, r6, 1
        li    r2, size
        bne   r6, r2, ->fill
        li    r6, 0
round:  li    r2, 0
        li    r4, size
cell:   lw    r3, source - user(r2)
        xor   r3, r3, r6
        sw    r3, target - user(r2)
        lw    r3, target - user(r2)
        add   r1, r1, r3
        addi  r2, r2, 1
        bne   r2, r4, ->cell
        addi  r6, r6, 1
        bne   r6, r5, ->round
        svc   0
source: .space size
target: .space size
window = . - user
