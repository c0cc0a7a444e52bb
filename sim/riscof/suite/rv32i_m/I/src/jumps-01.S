// Branches, JAL and JALR.
#include "model_test.h"
#include "arch_test.h"
RVTEST_ISA("RV32I")

.section .text.init
.globl rvtest_entry_point
rvtest_entry_point:
RVMODEL_BOOT
RVTEST_CODE_BEGIN

#ifdef TEST_CASE_1
RVTEST_CASE(0,"//check ISA:=regex(.*32.*);check ISA:=regex(.*I.*);def TEST_CASE_1=True;",jumps)

RVTEST_SIGBASE(x9, signature)

CASE_BRANCH(beq, 5, 5, x9, 0)
CASE_BRANCH(beq, -1, 1, x9, 4)
CASE_BRANCH(beq, 1, -1, x9, 8)
CASE_BRANCH(beq, 0x80000000, 0x7fffffff, x9, 12)
CASE_BRANCH(bne, 5, 5, x9, 16)
CASE_BRANCH(bne, -1, 1, x9, 20)
CASE_BRANCH(bne, 1, -1, x9, 24)
CASE_BRANCH(bne, 0x80000000, 0x7fffffff, x9, 28)
CASE_BRANCH(blt, 5, 5, x9, 32)
CASE_BRANCH(blt, -1, 1, x9, 36)
CASE_BRANCH(blt, 1, -1, x9, 40)
CASE_BRANCH(blt, 0x80000000, 0x7fffffff, x9, 44)
CASE_BRANCH(bge, 5, 5, x9, 48)
CASE_BRANCH(bge, -1, 1, x9, 52)
CASE_BRANCH(bge, 1, -1, x9, 56)
CASE_BRANCH(bge, 0x80000000, 0x7fffffff, x9, 60)
CASE_BRANCH(bltu, 5, 5, x9, 64)
CASE_BRANCH(bltu, -1, 1, x9, 68)
CASE_BRANCH(bltu, 1, -1, x9, 72)
CASE_BRANCH(bltu, 0x80000000, 0x7fffffff, x9, 76)
CASE_BRANCH(bgeu, 5, 5, x9, 80)
CASE_BRANCH(bgeu, -1, 1, x9, 84)
CASE_BRANCH(bgeu, 1, -1, x9, 88)
CASE_BRANCH(bgeu, 0x80000000, 0x7fffffff, x9, 92)
  // A loop: a branch backwards.
  li x5, 10
  li x7, 0
1: addi x7, x7, 3
  addi x5, x5, -1
  bnez x5, 1b
  RVTEST_SIGUPD(x9, x7, 96)
  // JAL over a word and JALR with bit 0 set; the distances of what they link.
1: jal x7, 2f
  .word 0
2: la x5, 1b
  sub x7, x7, x5
  RVTEST_SIGUPD(x9, x7, 100)
  la x5, 3f
1: jalr x7, 1(x5)
  .word 0
3: la x5, 1b
  sub x7, x7, x5
  RVTEST_SIGUPD(x9, x7, 104)

#endif

RVTEST_CODE_END
RVMODEL_HALT

RVTEST_DATA_BEGIN
  .word 0xbabecafe
RVTEST_DATA_END

RVMODEL_DATA_BEGIN
signature:
  .fill 27, 4, 0xdeadbeef
RVMODEL_DATA_END
