; Prints a string.
        .org  8
        li    r1, text
next:   lw    r2, 0(r1)
        beq   r2, r0, ->end
        out   r2
        addi  r1, r1, 1
        jmp   next
end:    halt
text:   .string "Hello, third generation!\n"
