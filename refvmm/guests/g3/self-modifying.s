; Programs that write programs: what was stored is what runs, at once and every time.
        .org  8
; An instruction inside a loop counts in its own immediate.
again:  li    r1, 'a'
        out   r1
        lw    r2, again(r0)
        addi  r2, r2, 1
        sw    r2, again(r0)
        lw    r3, last(r0)
        bne   r2, r3, ->again

; The very next instruction is replaced before it runs.
        lw    r2, good(r0)
        sw    r2, next(r0)
next:   jmp   bad
        out   r1

; One loop runs twice, the second time as another loop: its branch becomes its end.
        li    r4, 3
loop:   li    r1, '-'
        out   r1
        addi  r4, r4, -1
turn:   bne   r4, r0, ->loop
        lw    r2, stop(r0)
        lw    r3, turn(r0)
        sw    r2, turn(r0)
        li    r4, 9
        jmp   loop

; A routine is built in storage that held zeros.
build:  lw    r2, good(r0)
        sw    r2, room(r0)
        lw    r2, shout(r0)
        sw    r2, room + 1(r0)
        lw    r2, back(r0)
        sw    r2, room + 2(r0)
        call  r7, room
        li    r1, '\n'
        out   r1
        halt

bad:    li    r1, '?'
        out   r1
        halt

; Instructions as data.
last:   li    r1, 'z' + 1
good:   li    r1, '!'
stop:   jmp   build
shout:  out   r1
back:   jr    r7
room:   .space 3
