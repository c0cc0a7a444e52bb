// The macros of the architecture test format that this suite uses, in their smallest form. A checkout of riscv-arch-test
// brings its own file of this name.
#ifndef BSDGEN_ARCH_TEST_H
#define BSDGEN_ARCH_TEST_H

// Read by RISCOF, nothing for the assembler.
#define RVTEST_ISA(isa)
#define RVTEST_CASE(number, conditions, labels...)

#define RVTEST_CODE_BEGIN .option norvc; .globl rvtest_code_begin; rvtest_code_begin:
#define RVTEST_CODE_END .globl rvtest_code_end; rvtest_code_end:
#define RVTEST_DATA_BEGIN .data; .align 4; .globl rvtest_data_begin; rvtest_data_begin:
#define RVTEST_DATA_END .globl rvtest_data_end; rvtest_data_end:

// The signature is written through `base`; x31 is not free in the code between.
#define RVTEST_SIGBASE(base, label) la base, label;
#define RVTEST_SIGUPD(base, value, offset) sw value, offset(base);

// One operation on two constants, and on one and an immediate.
#define CASE_RR(op, a, b, base, offset)   \
  li x5, a;                               \
  li x6, b;                               \
  op x7, x5, x6;                          \
  RVTEST_SIGUPD(base, x7, offset)
#define CASE_RI(op, a, immediate, base, offset) \
  li x5, a;                               \
  op x7, x5, immediate;                   \
  RVTEST_SIGUPD(base, x7, offset)
// A branch leaves 1 if it was taken, 2 if not.
#define CASE_BRANCH(op, a, b, base, offset) \
  li x5, a;                               \
  li x6, b;                               \
  li x7, 1;                               \
  op x5, x6, 1f;                          \
  li x7, 2;                               \
  1: RVTEST_SIGUPD(base, x7, offset)

#endif
