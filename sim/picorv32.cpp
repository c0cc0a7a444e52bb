// PicoRV32 as it comes, driven through its memory port, every retirement of its RVFI port written as a row.
//
// Reads jobs from standard input, one a line, and answers each with one line of JSON. A job is words NAME=VALUE,
// numbers in hexadecimal; file names are relative to the working folder and hold no spaces:
//
//   image=F          memory: raw words, little-endian, from address base on; elsewhere is read 0 and nothing kept
//   base=N           first address of it
//   tohost=N         a word store to this address ends the run
//   max_steps=N      instructions after which a program counts as one that never ends
//   rows=F           where rows go: for each, the fields in the order of `row`, raw words
//
// The core begins at its parameter PROGADDR_RESET, which must be the program's entry + 4: there it goes on after a
// trap, since a trap halts it, and only a reset, which leaves the registers alone, wakes it up again. To begin at
// the entry, the first word that it ever fetches is a jump back by 4, which is no row.
//
// Exit code 2 means that a job could not be understood.
#include <array>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef __linux__
#include <csignal>
#include <sys/prctl.h>
#endif

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr uint64_t HANG_CYCLES = 10000;  // without a retirement
constexpr int RESET_CYCLES = 3;
constexpr uint32_t JUMP_BACK = 0xffdff06f;  // jal x0, -4

using Row = std::array<uint32_t, 15>;

class Job {
 public:
  explicit Job(const std::string& line) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const size_t at = word.find('=');
      if (at == std::string::npos) throw std::runtime_error("'" + word + "' is not NAME=VALUE");
      values_[word.substr(0, at)] = word.substr(at + 1);
    }
  }
  std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw std::runtime_error("'" + name + "' is missing");
    return found->second;
  }
  uint64_t number(const std::string& name) const { return std::stoull(text(name), nullptr, 16); }

 private:
  std::map<std::string, std::string> values_;
};

class Memory {
 public:
  Memory(const std::string& name, uint32_t base) : base_(base) {
    std::ifstream file(name, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error("cannot read image '" + name + "'");
    words_.resize(static_cast<size_t>(file.tellg()) / 4);
    file.seekg(0);
    file.read(reinterpret_cast<char*>(words_.data()), static_cast<std::streamsize>(words_.size() * 4));
  }
  uint32_t read(uint32_t address) const {
    const uint32_t index = (address - base_) >> 2;
    return index < words_.size() ? words_[index] : 0;
  }
  void write(uint32_t address, uint32_t lanes, uint32_t data) {
    const uint32_t index = (address - base_) >> 2;
    if (index >= words_.size()) return;
    uint32_t mask = 0;
    for (int byte = 0; byte < 4; ++byte)
      if (lanes >> byte & 1) mask |= 0xffu << 8 * byte;
    words_[index] = (words_[index] & ~mask) | (data & mask);
  }

 private:
  uint32_t base_;
  std::vector<uint32_t> words_;
};

class Core {
 public:
  explicit Core(Memory& memory) : memory_(memory), top_(&context_) { reset(); }
  ~Core() { top_.final(); }
  void reset() {
    top_.resetn = 0;
    for (int cycle = 0; cycle < RESET_CYCLES; ++cycle) clock();
    top_.resetn = 1;
  }
  // Until one more instruction retires; false if none does.
  bool retire() {
    for (uint64_t cycle = 0; cycle < HANG_CYCLES; ++cycle) {
      clock();
      if (top_.rvfi_valid) return true;
    }
    return false;
  }
  Row row() const {
    return {top_.rvfi_insn,      top_.rvfi_pc_rdata, top_.rvfi_rs1_rdata, top_.rvfi_rs2_rdata,
            top_.rvfi_mem_rdata, top_.rvfi_rs1_addr, top_.rvfi_rs2_addr,  top_.rvfi_rd_addr,
            top_.rvfi_rd_wdata,  top_.rvfi_pc_wdata, top_.rvfi_mem_addr,  top_.rvfi_mem_rmask,
            top_.rvfi_mem_wmask, top_.rvfi_mem_wdata, top_.rvfi_trap};
  }

 private:
  void clock() {
    top_.mem_ready = top_.mem_valid && top_.resetn;  // memory answers in the cycle in which it is asked
    top_.mem_rdata = 0;
    if (top_.mem_ready) {
      if (top_.mem_wstrb) {
        memory_.write(top_.mem_addr, top_.mem_wstrb, top_.mem_wdata);
      } else if (top_.mem_instr && !begun_) {
        top_.mem_rdata = JUMP_BACK;
        begun_ = true;
      } else {
        top_.mem_rdata = memory_.read(top_.mem_addr);
      }
    }
    top_.clk = 0;
    top_.eval();
    top_.clk = 1;
    top_.eval();
  }

  Memory& memory_;
  VerilatedContext context_;
  Vtop top_;
  bool begun_ = false;
};

std::string run(const Job& job) {
  Memory memory(job.text("image"), static_cast<uint32_t>(job.number("base")));
  std::ofstream file(job.text("rows"), std::ios::binary);
  Core core(memory);
  const uint64_t max_steps = job.number("max_steps"), tohost = job.number("tohost");
  uint64_t retired = 0;
  uint32_t value = 0, pc = 0;
  bool ended = false, hung = !core.retire();
  while (!hung && !ended && retired < max_steps) {
    hung = !core.retire();
    if (hung) break;
    const Row row = core.row();
    file.write(reinterpret_cast<const char*>(row.data()), sizeof(Row));
    ++retired;
    pc = row[1];
    ended = row[12] == 15 && row[10] == tohost && !row[14];
    value = row[13];
    if (row[14]) core.reset();
  }
  file.close();
  if (!file) throw std::runtime_error("cannot write '" + job.text("rows") + "'");
  std::ostringstream out;
  out << "{\"retired\": " << retired << ", \"ended\": " << (ended ? "true" : "false")
      << ", \"hung\": " << (hung ? "true" : "false") << ", \"tohost\": " << value << ", \"pc\": " << pc << "}";
  return out.str();
}

}  // namespace

int main() {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << run(Job(line)) << std::endl;
    } catch (const std::exception& error) {
      std::cerr << "picorv32: " << error.what() << " in job: " << line << std::endl;
      return 2;
    }
  }
  return 0;
}
