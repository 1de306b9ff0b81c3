; A miniature operating system: see README.md.
;
; r7 belongs to the kernel: every trap changes it. All other registers are a process's own.
; In the kernel r0 is 0, and r7 is the process that runs.

; What a process looks like to the kernel.
state  = 0                          ; gone, ready, or later: it starts when nothing else can run
psw    = 1                          ; four cells
saved  = 5                          ; r0 to r6
name   = 12
extent = 13                         ; cells of all this
gone   = 0
ready  = 1
later  = 2

; Supervisor calls.
exit    = 0
putchar = 1                         ; prints r1
yield   = 2
ticks   = 3                         ; r1 := number of traps since the system started
calls   = 4

user    = 1 << 31                   ; the mode in the first cell of a PSW

        .org  8
        li    r0, 0
        sw    r0, 4(r0)             ; the new PSW: supervisor mode,
        li    r1, trap
        sw    r1, 5(r0)             ; the handler,
        sw    r0, 6(r0)             ; and all of storage
        lui   r1, 1
        sw    r1, 7(r0)
        li    r5, welcome
        call  r6, print

; The worker runs twice, in two windows.
        li    r1, worker_end - worker
copy:   addi  r1, r1, -1
        lw    r2, worker(r1)
        sw    r2, second(r1)
        bne   r1, r0, ->copy
        li    r7, table_end - extent

; Runs the next process that is ready.
schedule:
        li    r1, (table_end - table) / extent
        li    r2, table_end
        li    r3, ready
turn:   addi  r7, r7, extent
        bne   r7, r2, ->inside
        li    r7, table
inside: lw    r4, state(r7)
        beq   r4, r3, ->run
        addi  r1, r1, -1
        bne   r1, r0, ->turn

; Nothing is ready: the first process that waits for this starts.
        li    r7, table
        li    r3, later
wake:   lw    r4, state(r7)
        beq   r4, r3, ->start
        addi  r7, r7, extent
        bne   r7, r2, ->wake
        li    r5, farewell
        call  r6, print
        halt
start:  li    r4, ready
        sw    r4, state(r7)

run:    sw    r7, current(r0)
resume: lw    r0, saved(r7)
        lw    r1, saved + 1(r7)
        lw    r2, saved + 2(r7)
        lw    r3, saved + 3(r7)
        lw    r4, saved + 4(r7)
        lw    r5, saved + 5(r7)
        lw    r6, saved + 6(r7)
        lpsw  psw(r7)

; Every trap comes here, in supervisor mode; the old PSW is in cells 0 to 3.
trap:   li    r7, 0
        lw    r7, current(r7)
        sw    r0, saved(r7)
        sw    r1, saved + 1(r7)
        sw    r2, saved + 2(r7)
        sw    r3, saved + 3(r7)
        sw    r4, saved + 4(r7)
        sw    r5, saved + 5(r7)
        sw    r6, saved + 6(r7)
        li    r0, 0
        lw    r2, 1(r0)             ; the mode of a process is known
        sw    r2, psw + 1(r7)
        lw    r2, 2(r0)
        sw    r2, psw + 2(r7)
        lw    r2, 3(r0)
        sw    r2, psw + 3(r7)
        lw    r2, count(r0)
        addi  r2, r2, 1
        sw    r2, count(r0)
        lw    r1, 0(r0)
        blt   r1, r0, ->process     ; the sign bit is the mode
        li    r5, panic
        call  r6, print
        halt

; r1 := the trap's argument, r3 := its number.
process:
        lui   r2, user >> 16
        xor   r1, r1, r2
        li    r2, 16
        shr   r3, r1, r2
        shl   r1, r1, r2
        shr   r1, r1, r2
        li    r2, 3
        beq   r3, r2, ->call
        lw    r5, reasons(r3)
; Ends a process and says why: r5 is the text.
kill:   sw    r0, state(r7)
        mov   r4, r5
        li    r5, opening
        call  r6, print
        lw    r2, name(r7)
        out   r2
        mov   r5, r4
        call  r6, print
        jmp   schedule

call:   li    r2, calls
        sltu  r2, r1, r2
        li    r5, bad_call
        beq   r2, r0, ->kill
        lw    r2, table_of_calls(r1)
        jr    r2

do_exit:
        sw    r0, state(r7)
        jmp   schedule
do_putchar:
        lw    r1, saved + 1(r7)
        out   r1
        jmp   resume
do_ticks:
        lw    r1, count(r0)
        sw    r1, saved + 1(r7)
        jmp   resume

; Prints the text at r5; changes r2 and r5; returns by r6.
print:  lw    r2, 0(r5)
        beq   r2, r0, ->printed
        out   r2
        addi  r5, r5, 1
        jmp   print
printed:
        jr    r6

table_of_calls:
        .word do_exit, do_putchar, schedule, do_ticks
reasons:
        .word panic, memory, privileged, panic, divide, illegal
welcome:
        .string "two workers, then three that do not behave\n"
opening:
        .string "["
memory: .string ": out of bounds]\n"
privileged:
        .string ": privileged instruction]\n"
divide: .string ": division by zero]\n"
illegal:
        .string ": no such instruction]\n"
bad_call:
        .string ": no such call]\n"
panic:  .string "the kernel trapped\n"
farewell:
        .string "all done\n"

current:
        .space 1                    ; the process that runs
count:  .space 1                    ; traps so far

; state, PSW, registers, name
table:  .word ready, user, 0, worker, 64,  0, 'A', 0, 0, 0, 0, 0,  'A'
        .word ready, user, 0, second, 64,  0, 'B', 0, 0, 0, 0, 0,  'B'
        .word later, user, 0, prober, 16,  0, 'C', 0, 0, 0, 0, 0,  'C'
        .word later, user, 0, divider, 8,  0, 'D', 0, 0, 0, 0, 0,  'D'
        .word later, user, 0, caller, 8,   0, 'E', 0, 0, 0, 0, 0,  'E'
table_end:

; A worker: prints its name and the number of its round, which it keeps in its own storage.
; Its addresses count from the start of its window.
        .align 64
worker: mov   r4, r1
round:  mov   r1, r4
        svc   putchar
        lw    r1, number - worker(r0)
        svc   putchar
        li    r1, ' '
        svc   putchar
        svc   yield
        lw    r5, number - worker(r0)
        addi  r5, r5, 1
        sw    r5, number - worker(r0)
        li    r3, '4'
        bne   r5, r3, ->round
        svc   ticks
        mov   r2, r1
        svc   ticks
        sub   r1, r1, r2
        addi  r1, r1, '0'
        svc   putchar               ; one call between the two: 1
        li    r1, '\n'
        svc   putchar
        li    r3, 'A'
        beq   r4, r3, ->stop
        sw    r4, 64(r0)            ; the cell behind its window
stop:   svc   exit
number: .word '1'
worker_end:

        .align 64
second: .space 64                   ; the other worker's window

prober: svc   putchar
        lw    r2, 15(r0)
        add   r1, r1, r2
        svc   putchar
        li    r1, '\n'
        svc   putchar
        getr  r1, r2                ; where am I?
        svc   exit
        .org  prober + 15
        .word 32

divider:
        div   r1, r1, r0
        svc   exit
        .org  divider + 8
caller: svc   99
        svc   exit
        .org  caller + 8
