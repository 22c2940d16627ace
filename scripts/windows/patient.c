/* Preloaded into Wine's server, so that it kills nothing. A second after a program has ended Wine sends its Linux process a SIGKILL if that
 * is still about to leave, as on a busy machine it may be, and whoever waits for the process hears of a signal instead of its exit code. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>

int kill(pid_t process, int signal)
{
    static int (*next)(pid_t, int);
    if (signal == SIGKILL && strstr(program_invocation_short_name, "wineserver"))
        return 0;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "kill");
    return next(process, signal);
}
