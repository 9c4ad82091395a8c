// Memory of a process that has nothing to do for a while.
#pragma once

void trim_program(void);
