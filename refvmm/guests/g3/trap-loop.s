; The trap handler traps: it runs for ever and prints nothing after its first character.
        .org  4
        .word 0, trap, 0, 65536
        .org  8
        li    r1, '.'
        out   r1
trap:   addi  r2, r2, 1
        svc   1
        halt
