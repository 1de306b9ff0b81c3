; Nobody installed a trap vector: the new PSW is all zeros, its window is empty, and every fetch
; traps again, for ever. Only who counts the steps can stop it.
        .org  8
        li    r1, '.'
        out   r1
        svc   0
        out   r1                    ; never reached
        halt
