// Operations on two registers.
#include "model_test.h"
#include "arch_test.h"
RVTEST_ISA("RV32I")

.section .text.init
.globl rvtest_entry_point
rvtest_entry_point:
RVMODEL_BOOT
RVTEST_CODE_BEGIN

#ifdef TEST_CASE_1
RVTEST_CASE(0,"//check ISA:=regex(.*32.*);check ISA:=regex(.*I.*);def TEST_CASE_1=True;",registers)

RVTEST_SIGBASE(x9, signature)

CASE_RR(add, 0x7fffffff, 1, x9, 0)
CASE_RR(add, -1, -1, x9, 4)
CASE_RR(add, 0x80000000, 31, x9, 8)
CASE_RR(add, 0x12345678, 0xfffffff4, x9, 12)
CASE_RR(sub, 0x7fffffff, 1, x9, 16)
CASE_RR(sub, -1, -1, x9, 20)
CASE_RR(sub, 0x80000000, 31, x9, 24)
CASE_RR(sub, 0x12345678, 0xfffffff4, x9, 28)
CASE_RR(sll, 0x7fffffff, 1, x9, 32)
CASE_RR(sll, -1, -1, x9, 36)
CASE_RR(sll, 0x80000000, 31, x9, 40)
CASE_RR(sll, 0x12345678, 0xfffffff4, x9, 44)
CASE_RR(slt, 0x7fffffff, 1, x9, 48)
CASE_RR(slt, -1, -1, x9, 52)
CASE_RR(slt, 0x80000000, 31, x9, 56)
CASE_RR(slt, 0x12345678, 0xfffffff4, x9, 60)
CASE_RR(sltu, 0x7fffffff, 1, x9, 64)
CASE_RR(sltu, -1, -1, x9, 68)
CASE_RR(sltu, 0x80000000, 31, x9, 72)
CASE_RR(sltu, 0x12345678, 0xfffffff4, x9, 76)
CASE_RR(xor, 0x7fffffff, 1, x9, 80)
CASE_RR(xor, -1, -1, x9, 84)
CASE_RR(xor, 0x80000000, 31, x9, 88)
CASE_RR(xor, 0x12345678, 0xfffffff4, x9, 92)
CASE_RR(srl, 0x7fffffff, 1, x9, 96)
CASE_RR(srl, -1, -1, x9, 100)
CASE_RR(srl, 0x80000000, 31, x9, 104)
CASE_RR(srl, 0x12345678, 0xfffffff4, x9, 108)
CASE_RR(sra, 0x7fffffff, 1, x9, 112)
CASE_RR(sra, -1, -1, x9, 116)
CASE_RR(sra, 0x80000000, 31, x9, 120)
CASE_RR(sra, 0x12345678, 0xfffffff4, x9, 124)
CASE_RR(or, 0x7fffffff, 1, x9, 128)
CASE_RR(or, -1, -1, x9, 132)
CASE_RR(or, 0x80000000, 31, x9, 136)
CASE_RR(or, 0x12345678, 0xfffffff4, x9, 140)
CASE_RR(and, 0x7fffffff, 1, x9, 144)
CASE_RR(and, -1, -1, x9, 148)
CASE_RR(and, 0x80000000, 31, x9, 152)
CASE_RR(and, 0x12345678, 0xfffffff4, x9, 156)

#endif

RVTEST_CODE_END
RVMODEL_HALT

RVTEST_DATA_BEGIN
  .word 0xbabecafe
RVTEST_DATA_END

RVMODEL_DATA_BEGIN
signature:
  .fill 40, 4, 0xdeadbeef
RVMODEL_DATA_END
