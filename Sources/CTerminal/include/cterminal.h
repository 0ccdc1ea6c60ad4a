// A terminal for a program that draws on all of it, and what gives it back whatever happens.
#ifndef CTERMINAL_H
#define CTERMINAL_H

// Takes the terminal on a descriptor: no echo, no lines, no signals by keys; the alternate screen, mouse and pasted text in
// brackets. Where the program crashes or exits it is given back. 0, or -1 where it is no terminal.
int ct_take(int fd);
// Gives it back; again and again is no harm.
void ct_give_back(void);
// Columns and rows: 1, or 0 when they are not known.
int ct_size(int fd, int *columns, int *rows);
// Lets SIGWINCH and SIGTSTP be told by octets on a descriptor, which this returns: 'w' and 's'; -1 where that fails.
int ct_signals(void);
// Stops the process as Ctrl-Z does; returns when it goes on.
void ct_stop(void);
// Waits until a terminal or the signals have something to read: bits 1 and 2; 0 after the time, in milliseconds, -1 for ever.
int ct_wait(int fd, int signals, int milliseconds);
#endif
