// The reference model of the C++ harness: an RV32I machine that says of every instruction what the RVFI port must
// show, as rows of twelve words (layout: bsdgen/cosim/scoreboard.py), and which bits of a row mean something.
//
// Written from The RISC-V Instruction Set Manual, Volume I, apart from bsdgen.isa and from anything learned. Tests
// hold it to bsdgen.isa on random instruction words and on all programs. The machine is that of
// bsdgen/isa/machine.py: no CSRs, a trap writes nothing and goes to reset pc + 4, memory is one block of words
// outside of which reads give 0 and writes are ignored.
#ifndef BSDGEN_REFERENCE_H
#define BSDGEN_REFERENCE_H

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

constexpr int ROW_WORDS = 12;
constexpr uint32_t ALL = 0xFFFFFFFFu;
constexpr uint32_t TRAP_OFFSET = 4;
using Row = std::array<uint32_t, ROW_WORDS>;

struct Expected {
  Row row{};
  Row care{};
};

// What one instruction does.
struct Effect {
  bool legal = false;              // an RV32I encoding other than ECALL and EBREAK
  bool uses_rs1 = false, uses_rs2 = false;
  bool writes_rd = false;
  uint32_t value = 0;              // for rd
  uint32_t next = 0;               // pc
  uint32_t size = 0;               // bytes that are loaded or stored, 0 for none
  bool store = false, sign = false;
  uint32_t address = 0, data = 0;  // of the access; data as in the register
  bool trap = false;
};

inline uint32_t bits(uint32_t word, int high, int low) { return word << (31 - high) >> (31 - high + low); }
inline uint32_t extend(uint32_t value, int width) {
  return static_cast<uint32_t>(static_cast<int32_t>(value << (32 - width)) >> (32 - width));
}
inline uint32_t byte_lanes(uint32_t mask) {
  uint32_t lanes = 0;
  for (int byte = 0; byte < 4; ++byte)
    if (mask >> byte & 1) lanes |= 0xFFu << 8 * byte;
  return lanes;
}
inline bool less_signed(uint32_t a, uint32_t b) { return static_cast<int32_t>(a) < static_cast<int32_t>(b); }
inline uint32_t shift_arithmetic(uint32_t value, uint32_t amount) {
  return static_cast<uint32_t>(static_cast<int32_t>(value) >> amount);
}

// OP and OP-IMM; alternate is SUB and SRA.
inline uint32_t arithmetic(uint32_t funct3, bool alternate, uint32_t a, uint32_t b) {
  switch (funct3) {
    case 0: return alternate ? a - b : a + b;
    case 1: return a << (b & 31);
    case 2: return less_signed(a, b);
    case 3: return a < b;
    case 4: return a ^ b;
    case 5: return alternate ? shift_arithmetic(a, b & 31) : a >> (b & 31);
    case 6: return a | b;
    default: return a & b;
  }
}

inline bool branch_taken(uint32_t funct3, uint32_t a, uint32_t b) {
  switch (funct3) {
    case 0: return a == b;
    case 1: return a != b;
    case 4: return less_signed(a, b);
    case 5: return !less_signed(a, b);
    case 6: return a < b;
    default: return a >= b;
  }
}

// Everything but the loaded value.
inline Effect execute(uint32_t insn, uint32_t pc, uint32_t rs1, uint32_t rs2) {
  Effect e;
  e.next = pc + 4;
  const uint32_t funct3 = bits(insn, 14, 12), funct7 = bits(insn, 31, 25);
  const uint32_t imm_i = extend(bits(insn, 31, 20), 12);
  switch (bits(insn, 6, 0)) {
    case 0x37:  // LUI
      e.legal = e.writes_rd = true;
      e.value = insn & 0xFFFFF000;
      break;
    case 0x17:  // AUIPC
      e.legal = e.writes_rd = true;
      e.value = pc + (insn & 0xFFFFF000);
      break;
    case 0x6F:  // JAL
      e.legal = e.writes_rd = true;
      e.value = pc + 4;
      e.next = pc + extend(bits(insn, 31, 31) << 20 | bits(insn, 19, 12) << 12 | bits(insn, 20, 20) << 11 |
                               bits(insn, 30, 21) << 1, 21);
      break;
    case 0x67:  // JALR
      if (funct3 != 0) break;
      e.legal = e.writes_rd = e.uses_rs1 = true;
      e.value = pc + 4;
      e.next = (rs1 + imm_i) & ~1u;
      break;
    case 0x63:  // branches
      if (funct3 == 2 || funct3 == 3) break;
      e.legal = e.uses_rs1 = e.uses_rs2 = true;
      if (branch_taken(funct3, rs1, rs2))
        e.next = pc + extend(bits(insn, 31, 31) << 12 | bits(insn, 7, 7) << 11 | bits(insn, 30, 25) << 5 |
                                 bits(insn, 11, 8) << 1, 13);
      break;
    case 0x03:  // loads
      if (funct3 == 3 || funct3 > 5) break;
      e.legal = e.writes_rd = e.uses_rs1 = true;
      e.size = 1u << (funct3 & 3);
      e.sign = funct3 < 4;
      e.address = rs1 + imm_i;
      break;
    case 0x23:  // stores
      if (funct3 > 2) break;
      e.legal = e.uses_rs1 = e.uses_rs2 = e.store = true;
      e.size = 1u << funct3;
      e.address = rs1 + extend(funct7 << 5 | bits(insn, 11, 7), 12);
      e.data = rs2;
      break;
    case 0x13:  // OP-IMM
      if (funct3 == 1 && funct7 != 0) break;
      if (funct3 == 5 && funct7 != 0 && funct7 != 0x20) break;
      e.legal = e.writes_rd = e.uses_rs1 = true;
      e.value = arithmetic(funct3, funct3 == 5 && funct7 == 0x20, rs1, imm_i);
      break;
    case 0x33:  // OP
      if (funct7 != 0 && !(funct7 == 0x20 && (funct3 == 0 || funct3 == 5))) break;
      e.legal = e.writes_rd = e.uses_rs1 = e.uses_rs2 = true;
      e.value = arithmetic(funct3, funct7 == 0x20, rs1, rs2);
      break;
    case 0x0F:  // FENCE: nothing to order
      e.legal = funct3 == 0;
      break;
    default:  // SYSTEM is ECALL and EBREAK here, which trap like whatever is illegal
      break;
  }
  e.trap = !e.legal || e.next % 4 != 0 || (e.size != 0 && e.address % e.size != 0);
  return e;
}

// What the port shows of an instruction. word: the aligned memory word at the access.
inline Expected show(const Effect& e, uint32_t insn, uint32_t pc, uint32_t rs1, uint32_t rs2, uint32_t word,
                     uint32_t trap_pc, uint64_t order, bool after_trap) {
  const uint32_t rd = e.writes_rd && !e.trap ? bits(insn, 11, 7) : 0;
  const uint32_t mask = e.size != 0 && !e.trap ? ((1u << e.size) - 1) << e.address % 4 : 0;
  const uint32_t rmask = e.store ? 0 : mask, wmask = e.store ? mask : 0;
  uint32_t value = e.value;
  if (rmask) {
    const uint32_t held = word >> 8 * (e.address % 4);
    const int width = 8 * static_cast<int>(e.size);
    value = e.sign ? extend(held, width) : held & (ALL >> (32 - width));
  }
  Expected x;
  x.row = {bits(insn, 19, 15) | bits(insn, 24, 20) << 5 | rd << 10 | rmask << 15 | wmask << 19 |
               static_cast<uint32_t>(e.trap) << 23 | static_cast<uint32_t>(after_trap) << 25 | 3u << 26 | 1u << 28,
           static_cast<uint32_t>(order), static_cast<uint32_t>(order >> 32),
           insn, pc, e.trap ? trap_pc : e.next,
           rs1, rs2, rd ? value : 0,
           mask ? e.address & ~3u : 0, word & byte_lanes(rmask), e.data << 8 * (e.address % 4) & byte_lanes(wmask)};
  const bool cares_1 = e.legal && e.uses_rs1, cares_2 = e.legal && e.uses_rs2;
  x.care.fill(ALL);
  x.care[0] = 0xFFFFFC00u | (cares_1 ? 0x1Fu : 0) | (cares_2 ? 0x3E0u : 0);
  x.care[6] = cares_1 ? ALL : 0;
  x.care[7] = cares_2 ? ALL : 0;
  return x;
}

class Reference {
 public:
  Reference(uint32_t base, std::vector<uint32_t> words, uint32_t reset_pc)
      : base_(base), words_(std::move(words)), pc_(reset_pc), trap_pc_(reset_pc + TRAP_OFFSET) {}

  // Retires one instruction.
  Expected next() {
    const uint32_t pc = pc_, insn = read(pc);
    const uint32_t rs1 = regs_[bits(insn, 19, 15)], rs2 = regs_[bits(insn, 24, 20)];
    const Effect e = execute(insn, pc, rs1, rs2);
    const uint32_t word = e.size != 0 && !e.store && !e.trap ? read(e.address) : 0;
    const Expected x = show(e, insn, pc, rs1, rs2, word, trap_pc_, order_++, trapped_);
    if (const uint32_t rd = bits(x.row[0], 14, 10)) regs_[rd] = x.row[8];
    if (const uint32_t wmask = bits(x.row[0], 22, 19)) write(e.address, byte_lanes(wmask), x.row[11]);
    trapped_ = e.trap;
    pc_ = x.row[5];
    return x;
  }

  // Registers and memory stay as they are.
  void reset() {
    pc_ = trap_pc_ - TRAP_OFFSET;
    order_ = 0;
    trapped_ = false;
  }

 private:
  uint32_t read(uint32_t address) const {
    const uint32_t index = (address - base_) >> 2;
    return index < words_.size() ? words_[index] : 0;
  }
  void write(uint32_t address, uint32_t lanes, uint32_t data) {
    const uint32_t index = (address - base_) >> 2;
    if (index < words_.size()) words_[index] = (words_[index] & ~lanes) | data;
  }

  uint32_t base_;
  std::vector<uint32_t> words_;
  std::array<uint32_t, 32> regs_{};
  uint32_t pc_, trap_pc_;
  uint64_t order_ = 0;
  bool trapped_ = false;
};

#endif
