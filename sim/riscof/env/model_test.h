// What architecture tests ask of a model, for the learned core and for Spike: no boot code, 1 to tohost ends a test, and
// the signature lies between two symbols. See the "RVMODEL" macros in the test format specification of riscv-arch-test.
#ifndef BSDGEN_MODEL_TEST_H
#define BSDGEN_MODEL_TEST_H

#define RVMODEL_BOOT

#define RVMODEL_HALT                \
  li x1, 1;                         \
  la x2, tohost;                    \
  sw x1, 0(x2);                     \
  1: j 1b;

#define RVMODEL_DATA_BEGIN          \
  .pushsection .tohost, "aw";       \
  .align 6;                         \
  .global tohost;                   \
  tohost: .dword 0;                 \
  .align 6;                         \
  .global fromhost;                 \
  fromhost: .dword 0;               \
  .popsection;                      \
  .align 4;                         \
  .global begin_signature;          \
  begin_signature:

#define RVMODEL_DATA_END            \
  .align 4;                         \
  .global end_signature;            \
  end_signature:

// There is nothing to print to, and nothing interrupts.
#define RVMODEL_IO_INIT
#define RVMODEL_IO_WRITE_STR(register, text)
#define RVMODEL_IO_CHECK()
#define RVMODEL_IO_ASSERT_GPR_EQ(stack, register, value)
#define RVMODEL_IO_ASSERT_SFPR_EQ(stack, register, value)
#define RVMODEL_IO_ASSERT_DFPR_EQ(stack, register, value)
#define RVMODEL_SET_MSW_INT
#define RVMODEL_CLEAR_MSW_INT
#define RVMODEL_CLEAR_MTIMER_INT
#define RVMODEL_CLEAR_MEXT_INT

#endif
