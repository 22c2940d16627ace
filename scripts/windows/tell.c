/* Tells belfry-tray.exe, or the service, what Windows would tell it: tell.exe WHAT [WINDOW-TITLE]. Exit code 0 when it was there. */
#include <windows.h>
#include <string.h>
#include <stdio.h>

static LRESULT tell(HWND window, UINT message, WPARAM wparam, LPARAM lparam)
{
    DWORD_PTR answer = 0;
    SendMessageTimeoutA(window, message, wparam, lparam, SMTO_ABORTIFHUNG, 10000, &answer);
    return (LRESULT)answer;
}

/* Shown windows of the program: style, extended style, place, title. */
static BOOL CALLBACK list(HWND window, LPARAM out)
{
    DWORD process;
    RECT at;
    WCHAR wide[200];
    char text[800];
    GetWindowThreadProcessId(window, &process);
    if (!IsWindowVisible(window))
        return TRUE;
    GetWindowTextW(window, wide, 200);
    WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof text, NULL, NULL);
    GetWindowRect(window, &at);
    fprintf((FILE *)out, "%lu %08lx %ld %ld %ld %ld %d %s\n", process, (unsigned long)GetWindowLongPtrA(window, GWL_EXSTYLE), at.left, at.top,
            at.right - at.left, at.bottom - at.top, GetForegroundWindow() == window, text);
    return TRUE;
}

/* What `sc control Belfry paramchange` does, which Wine's sc does not know. */
static int reload(void)
{
    SERVICE_STATUS status;
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = OpenServiceA(manager, "Belfry", SERVICE_PAUSE_CONTINUE);
    int failed = !service || !ControlService(service, SERVICE_CONTROL_PARAMCHANGE, &status);
    if (failed)
        fprintf(stderr, "error %lu\n", GetLastError());
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return failed;
}

int main(int count, char **words)
{
    HWND window = FindWindowA("tray_icon_app", NULL);
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "windows")) {
        EnumWindows(list, (LPARAM)stdout);
        return 0;
    }
    if (!strcmp(what, "reload"))
        return reload();
    if (!strcmp(what, "close")) {
        /* Another person's program has a window of the same name, which is not shown. */
        for (window = NULL; (window = FindWindowExA(NULL, window, NULL, words[2])) && !IsWindowVisible(window);)
            ;
        return !window || !PostMessageA(window, WM_CLOSE, 0, 0);
    }
    if (!window)
        return 1;
    if (!strcmp(what, "lock"))
        tell(window, WM_WTSSESSION_CHANGE, WTS_SESSION_LOCK, 0);
    else if (!strcmp(what, "unlock"))
        tell(window, WM_WTSSESSION_CHANGE, WTS_SESSION_UNLOCK, 0);
    else if (!strcmp(what, "resume"))
        tell(window, WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC, 0);
    else if (!strcmp(what, "taskbar"))
        PostMessageA(HWND_BROADCAST, RegisterWindowMessageA("TaskbarCreated"), 0, 0);
    else if (!strcmp(what, "end")) {
        if (!tell(window, WM_QUERYENDSESSION, 0, 0))
            return 3;
        tell(window, WM_ENDSESSION, TRUE, 0);
    } else
        return 2;
    return 0;
}
