/* What the library says about itself: which processor it runs on, and which C files it was made from. */

#include <stdint.h>

/* The version of x86-64 that the processor and the system support: 2, 3 or 4. It is 1 on older processors
   and 0 on other kinds of processors. */
int level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt"))
        return 1;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
        return 2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 3;
    return 4;
#else
    return 0;
#endif
}

/* The structs of the C files and of the Python files must be the same; this number tells. */
uint32_t fingerprint(void) { return FINGERPRINT; }
