// What each program answers to --version, by which it is known to run on a machine.
#ifndef VERSION_H
#define VERSION_H

// Prints it and exits, if that is all the program was asked for.
void answer_version(int argc, char **argv, const char *program);

#endif
