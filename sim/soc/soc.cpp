// The small system in Verilator, with its UART on standard input and output.
//
// Arguments: +image=FILE (words for $readmemh), and NAME=VALUE, numbers in decimal:
//   result=FILE       where the outcome goes, one JSON object
//   clocks=N          clocks a bit of the UART's line
//   max_cycles=N      a program that runs longer has not ended
//   pins=N            what the GPIO inputs show
//
// Bytes from standard input are sent one after the other, as fast as the line takes them.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include <poll.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "Vtop.h"
#include "verilated.h"

namespace {

constexpr int FRAME_BITS = 10;           // start, eight data bits, stop
constexpr uint64_t POLL_CYCLES = 4096;   // between two looks at standard input
constexpr uint64_t FLUSH_CYCLES = 65536; // between two flushes of what was printed

volatile std::sig_atomic_t interrupted = 0;

// Bytes of the line that the system drives.
class Ear {
 public:
  explicit Ear(uint64_t clocks) : clocks_(clocks) {}
  // One cycle; true if a byte is complete.
  bool hear(bool line) {
    if (!left_) {
      if (line) return false;
      left_ = FRAME_BITS;
      wait_ = clocks_ / 2;
      return false;
    }
    if (wait_) {
      --wait_;
      return false;
    }
    wait_ = clocks_ - 1;
    bits_ = (bits_ >> 1) | (static_cast<unsigned>(line) << (FRAME_BITS - 1));
    if (--left_) return false;
    byte = static_cast<uint8_t>(bits_ >> 1);
    return line;  // without a stop bit it was none
  }
  uint8_t byte = 0;

 private:
  uint64_t clocks_, wait_ = 0;
  int left_ = 0;
  unsigned bits_ = 0;
};

// Bytes for the line that the system listens to.
class Mouth {
 public:
  explicit Mouth(uint64_t clocks) : clocks_(clocks) {}
  bool idle() const { return !left_; }
  void say(uint8_t byte) {
    bits_ = (1u << 9) | (static_cast<unsigned>(byte) << 1);
    left_ = 2 * FRAME_BITS;  // as long a pause behind it, for the program to take it
    wait_ = clocks_;
  }
  // One cycle; what the line is.
  bool line() {
    if (!left_) return true;
    if (!wait_) {
      wait_ = clocks_;
      bits_ = (bits_ >> 1) | (1u << 9);
      if (!--left_) return true;
    }
    --wait_;
    return bits_ & 1;
  }

 private:
  uint64_t clocks_, wait_ = 0;
  int left_ = 0;
  unsigned bits_ = 0;
};

struct Outcome {
  uint64_t cycles = 0, retired = 0, traps = 0, sent = 0;
  uint32_t code = 0, pc = 0;
  bool ended = false;
};

class Input {
 public:
  // A byte, if one is there.
  bool next(uint8_t& byte) {
    if (closed_) return false;
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, 0) <= 0) return false;
    if (read(STDIN_FILENO, &byte, 1) == 1) return true;
    closed_ = true;
    return false;
  }

 private:
  bool closed_ = false;
};

Outcome run(Vtop& top, uint64_t clocks, uint64_t max_cycles) {
  Outcome o;
  Ear ear(clocks);
  Mouth mouth(clocks);
  Input input;
  top.rx = 1;
  top.rst = 1;
  for (int cycle = 0; cycle < 2; ++cycle) {
    top.clk = 1;
    top.eval();
    top.clk = 0;
    top.eval();
  }
  top.rst = 0;
  top.eval();
  while (o.cycles < max_cycles && !o.ended && !interrupted) {
    // The ports show, before the edge, what this cycle does.
    o.retired += top.retired;
    if (top.retired) {
      o.traps += top.trapped;
      o.pc = top.pc;
    }
    o.ended = top.ended;
    o.code = top.code;
    if (ear.hear(top.tx)) {
      std::fputc(ear.byte, stdout);
      ++o.sent;
    }
    if (o.cycles % POLL_CYCLES == 0 && mouth.idle()) {
      uint8_t byte;
      if (input.next(byte)) mouth.say(byte);
    }
    if (o.cycles % FLUSH_CYCLES == 0) std::fflush(stdout);
    top.rx = mouth.line();
    top.clk = 1;
    top.eval();
    top.clk = 0;
    top.eval();
    ++o.cycles;
  }
  // What is still on the line when a program ends.
  for (uint64_t cycle = 0; o.ended && cycle < (FRAME_BITS + 1) * clocks; ++cycle) {
    if (ear.hear(top.tx)) {
      std::fputc(ear.byte, stdout);
      ++o.sent;
    }
    top.clk = 1;
    top.eval();
    top.clk = 0;
    top.eval();
  }
  std::fflush(stdout);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::map<std::string, std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t at = word.find('=');
    if (word[0] != '+' && at != std::string::npos) words[word.substr(0, at)] = word.substr(at + 1);
  }
  const auto number = [&](const char* name, uint64_t otherwise) {
    return words.count(name) ? std::stoull(words[name]) : otherwise;
  };
  VerilatedContext context;
  context.commandArgs(argc, argv);
  const auto top = std::make_unique<Vtop>(&context);
  top->pins_in = static_cast<uint8_t>(number("pins", 0));
  const auto start = std::chrono::steady_clock::now();
  const Outcome o = run(*top, number("clocks", 8), number("max_cycles", UINT64_MAX));
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::ofstream result(words["result"]);
  result << "{\"ended\": " << (o.ended ? "true" : "false") << ", \"code\": " << o.code
         << ", \"interrupted\": " << (interrupted ? "true" : "false") << ", \"cycles\": " << o.cycles
         << ", \"retired\": " << o.retired << ", \"traps\": " << o.traps << ", \"sent\": " << o.sent
         << ", \"pc\": " << o.pc << ", \"pins\": " << static_cast<unsigned>(top->pins_out)
         << ", \"wall_s\": " << wall_s << "}" << std::endl;
  top->final();
  return result ? 0 : 2;
}
