/* What all kernels share: the number type, its vectors, and the names of exported functions.

   Each file is compiled once for each number type (REAL is float or double) and once for each instruction
   set. SUFFIX tells the versions apart, e.g. _float_v3. A vector fills the widest register of its
   instruction set. Vectors are an extension of C that GCC and Clang share. They need no alignment here.
*/
#ifndef NATIVE_H
#define NATIVE_H

#include <stdint.h>

#define JOINED(a, b) a##b
#define WITH(a, b) JOINED(a, b)
#define NAME(name) WITH(name, SUFFIX)

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif

/* x86-64 has 16 vector registers before version 4. All others that matter have 32. */
#if defined(__x86_64__) && !defined(__AVX512F__)
#define REGISTERS 16
#else
#define REGISTERS 32
#endif

#define LANES ((int64_t)(BYTES / sizeof(REAL)))
#define INLINE static inline __attribute__((always_inline))

typedef REAL vec __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));

INLINE vec load(const REAL *from) { return *(const vec *)from; }
INLINE void store(REAL *to, vec v) { *(vec *)to = v; }

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
