// Operations on a register and an immediate, LUI and AUIPC.
#include "model_test.h"
#include "arch_test.h"
RVTEST_ISA("RV32I")

.section .text.init
.globl rvtest_entry_point
rvtest_entry_point:
RVMODEL_BOOT
RVTEST_CODE_BEGIN

#ifdef TEST_CASE_1
RVTEST_CASE(0,"//check ISA:=regex(.*32.*);check ISA:=regex(.*I.*);def TEST_CASE_1=True;",immediates)

RVTEST_SIGBASE(x9, signature)

CASE_RI(addi, 0x7fffffff, 1, x9, 0)
CASE_RI(addi, -2048, -2048, x9, 4)
CASE_RI(addi, 0x80000000, 2047, x9, 8)
CASE_RI(slti, 0x7fffffff, 1, x9, 12)
CASE_RI(slti, -2048, -2048, x9, 16)
CASE_RI(slti, 0x80000000, 2047, x9, 20)
CASE_RI(sltiu, 0x7fffffff, 1, x9, 24)
CASE_RI(sltiu, -2048, -2048, x9, 28)
CASE_RI(sltiu, 0x80000000, 2047, x9, 32)
CASE_RI(xori, 0x7fffffff, 1, x9, 36)
CASE_RI(xori, -2048, -2048, x9, 40)
CASE_RI(xori, 0x80000000, 2047, x9, 44)
CASE_RI(ori, 0x7fffffff, 1, x9, 48)
CASE_RI(ori, -2048, -2048, x9, 52)
CASE_RI(ori, 0x80000000, 2047, x9, 56)
CASE_RI(andi, 0x7fffffff, 1, x9, 60)
CASE_RI(andi, -2048, -2048, x9, 64)
CASE_RI(andi, 0x80000000, 2047, x9, 68)
CASE_RI(slli, 0x80000001, 0, x9, 72)
CASE_RI(slli, 0x80000001, 31, x9, 76)
CASE_RI(slli, 0x87654321, 12, x9, 80)
CASE_RI(srli, 0x80000001, 0, x9, 84)
CASE_RI(srli, 0x80000001, 31, x9, 88)
CASE_RI(srli, 0x87654321, 12, x9, 92)
CASE_RI(srai, 0x80000001, 0, x9, 96)
CASE_RI(srai, 0x80000001, 31, x9, 100)
CASE_RI(srai, 0x87654321, 12, x9, 104)
  lui x7, 0x80001
  RVTEST_SIGUPD(x9, x7, 108)
1: auipc x7, 0xfffff
  la x5, 1b
  sub x7, x7, x5
  RVTEST_SIGUPD(x9, x7, 112)

#endif

RVTEST_CODE_END
RVMODEL_HALT

RVTEST_DATA_BEGIN
  .word 0xbabecafe
RVTEST_DATA_END

RVMODEL_DATA_BEGIN
signature:
  .fill 29, 4, 0xdeadbeef
RVMODEL_DATA_END
