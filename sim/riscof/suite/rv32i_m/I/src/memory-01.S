// Loads and stores of every size at every aligned offset.
#include "model_test.h"
#include "arch_test.h"
RVTEST_ISA("RV32I")

.section .text.init
.globl rvtest_entry_point
rvtest_entry_point:
RVMODEL_BOOT
RVTEST_CODE_BEGIN

#ifdef TEST_CASE_1
RVTEST_CASE(0,"//check ISA:=regex(.*32.*);check ISA:=regex(.*I.*);def TEST_CASE_1=True;",memory)

RVTEST_SIGBASE(x9, signature)

  la x8, rvtest_data_begin
  lb x7, 0(x8)
  RVTEST_SIGUPD(x9, x7, 0)
  lb x7, 1(x8)
  RVTEST_SIGUPD(x9, x7, 4)
  lb x7, 2(x8)
  RVTEST_SIGUPD(x9, x7, 8)
  lb x7, 3(x8)
  RVTEST_SIGUPD(x9, x7, 12)
  lbu x7, 0(x8)
  RVTEST_SIGUPD(x9, x7, 16)
  lbu x7, 3(x8)
  RVTEST_SIGUPD(x9, x7, 20)
  lh x7, 0(x8)
  RVTEST_SIGUPD(x9, x7, 24)
  lh x7, 2(x8)
  RVTEST_SIGUPD(x9, x7, 28)
  lhu x7, 0(x8)
  RVTEST_SIGUPD(x9, x7, 32)
  lhu x7, 2(x8)
  RVTEST_SIGUPD(x9, x7, 36)
  lw x7, 0(x8)
  RVTEST_SIGUPD(x9, x7, 40)
  li x6, 0x99aabbcc
  sb x6, 44(x9)
  sb x6, 49(x9)
  sb x6, 54(x9)
  sb x6, 59(x9)
  sh x6, 60(x9)
  sh x6, 66(x9)
  sw x6, 68(x9)
  fence
  lw x7, 68(x9)
  RVTEST_SIGUPD(x9, x7, 72)

#endif

RVTEST_CODE_END
RVMODEL_HALT

RVTEST_DATA_BEGIN
  .word 0x8182f384
RVTEST_DATA_END

RVMODEL_DATA_BEGIN
signature:
  .fill 19, 4, 0xdeadbeef
RVMODEL_DATA_END
