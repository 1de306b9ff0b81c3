; What stopped the PDP-10: JRST 1 enters user mode and traps nowhere.
; The program shows 1 if what follows runs in user mode, as it must: there DATAO traps, and the
; handler, in executive mode again, writes 1. A monitor that runs this program in user mode never
; learns of the change and takes the DATAO for the executive's: then 2 is written.
        .org  2
        .data 2: 0o1000000 << 36 | handler  ; the new PSW: executive, all of storage
        .org  0o140
        jrst  1, 0, 0, user
user:   datao 1, 0, 0, two
        jrst  4, 0, 0, .
handler:
        datao 1, 0, 0, one
        jrst  4, 0, 0, .
one:    .word 1
two:    .word 2
