// The reference model for those who load it as a shared library: tests hold it to bsdgen.isa with this.
#include "reference.h"

// n independent instructions: inputs are insn, pc, rs1, rs2 and memory word of each; trap_pc is that of all.
extern "C" void reference_rows(uint64_t n, const uint32_t* inputs, uint32_t trap_pc, uint32_t* rows, uint32_t* care) {
  for (uint64_t i = 0; i < n; ++i) {
    const uint32_t* in = inputs + 5 * i;
    const Effect e = execute(in[0], in[1], in[2], in[3]);
    const Expected x = show(e, in[0], in[1], in[2], in[3], in[4], trap_pc, i, false);
    for (int word = 0; word < ROW_WORDS; ++word) {
      rows[ROW_WORDS * i + word] = x.row[word];
      care[ROW_WORDS * i + word] = x.care[word];
    }
  }
}

// The first n instructions of a program whose memory is given.
extern "C" void reference_run(uint32_t base, uint64_t n_words, const uint32_t* words, uint32_t reset_pc, uint64_t n,
                              uint32_t* rows, uint32_t* care) {
  Reference machine(base, std::vector<uint32_t>(words, words + n_words), reset_pc);
  for (uint64_t i = 0; i < n; ++i) {
    const Expected x = machine.next();
    for (int word = 0; word < ROW_WORDS; ++word) {
      rows[ROW_WORDS * i + word] = x.row[word];
      care[ROW_WORDS * i + word] = x.care[word];
    }
  }
}
