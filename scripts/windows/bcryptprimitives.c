/* A test aid: Wine 8 lacks this DLL, whose one function Rust's standard library asks for. Windows and newer Wines have it. */
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG bytes);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T bytes)
{
    return SystemFunction036(data, (ULONG)bytes);
}
