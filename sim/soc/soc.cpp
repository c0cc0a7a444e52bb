// The small system in Verilator, with its UART on standard input and output.
//
// Arguments: +image=FILE (words for $readmemh), and NAME=VALUE, numbers in decimal:
//   result=FILE       where the outcome goes, one JSON object
//   max_cycles=N      a program that runs longer has not ended
//   pins=N            what the GPIO inputs show
//
// The line is as fast as the system says (its port clocks). A byte of standard input is sent once the program has
// taken the one before; at the end of input it gets 0x04, end of transmission, and again whenever it took that. What
// cannot be written to standard output ends the run.
#include <cerrno>
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
constexpr uint64_t POLL_CYCLES = 4096;   // between two looks at standard input while nothing is there
constexpr uint8_t END_OF_TRANSMISSION = 4;
constexpr uint64_t FLUSH_CYCLES = 65536; // between two flushes of what was printed

volatile std::sig_atomic_t interrupted = 0;

// Bytes of the line that the system drives.
class Ear {
 public:
  // One cycle of so many a bit; true if a byte is complete.
  bool hear(bool line, uint64_t clocks) {
    if (!left_) {
      if (line) return false;
      left_ = FRAME_BITS;
      wait_ = clocks / 2;
      return false;
    }
    if (wait_) {
      --wait_;
      return false;
    }
    wait_ = clocks - 1;
    bits_ = (bits_ >> 1) | (static_cast<unsigned>(line) << (FRAME_BITS - 1));
    if (--left_) return false;
    byte = static_cast<uint8_t>(bits_ >> 1);
    return line;  // without a stop bit it was none
  }
  uint8_t byte = 0;

 private:
  uint64_t wait_ = 0;
  int left_ = 0;
  unsigned bits_ = 0;
};

// Bytes for the line that the system listens to.
class Mouth {
 public:
  bool idle() const { return !left_; }
  void say(uint8_t byte, uint64_t clocks) {
    bits_ = (1u << 9) | (static_cast<unsigned>(byte) << 1);
    left_ = FRAME_BITS + 1;  // a bit more: by then the system shows that the byte is there
    wait_ = clocks;
  }
  // One cycle of so many a bit; what the line is.
  bool line(uint64_t clocks) {
    if (!left_) return true;
    if (!wait_) {
      wait_ = clocks;
      bits_ = (bits_ >> 1) | (1u << 9);
      if (!--left_) return true;
    }
    --wait_;
    return bits_ & 1;
  }

 private:
  uint64_t wait_ = 0;
  int left_ = 0;
  unsigned bits_ = 0;
};

struct Outcome {
  uint64_t cycles = 0, retired = 0, traps = 0, sent = 0;
  uint32_t code = 0, pc = 0;
  int write_errno = 0;
  bool ended = false;
};

class Input {
 public:
  // A byte, if one is there; END_OF_TRANSMISSION behind the last. Asks for more only in every POLL_CYCLES-th cycle.
  bool next(uint64_t cycle, uint8_t& byte) {
    if (at_ == held_ && !closed_) {
      if (cycle < asks_at_) return false;
      asks_at_ = cycle + POLL_CYCLES;
      fill();
    }
    if (at_ == held_) {
      byte = END_OF_TRANSMISSION;
      return closed_;
    }
    byte = bytes_[at_++];
    return true;
  }

 private:
  void fill() {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    if (poll(&waiting, 1, 0) <= 0) return;
    const ssize_t n = read(STDIN_FILENO, bytes_, sizeof bytes_);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    closed_ = n <= 0;
    at_ = 0;
    held_ = n > 0 ? static_cast<size_t>(n) : 0;
  }

  uint8_t bytes_[4096];
  size_t at_ = 0, held_ = 0;
  uint64_t asks_at_ = POLL_CYCLES;  // programs set the line up first
  bool closed_ = false;
};

// What the program prints.
class Output {
 public:
  explicit Output(Outcome& outcome) : outcome_(outcome) {}
  void hear(const Vtop& top) {
    if (!ear_.hear(top.tx, top.clocks)) return;
    ++outcome_.sent;
    note(std::fputc(ear_.byte, stdout));
  }
  void flush() { note(std::fflush(stdout)); }

 private:
  void note(int answer) {
    if (answer == EOF && !outcome_.write_errno) outcome_.write_errno = errno ? errno : EIO;
  }

  Outcome& outcome_;
  Ear ear_;
};

void edge(Vtop& top) {
  top.clk = 1;
  top.eval();
  top.clk = 0;
  top.eval();
}

Outcome run(Vtop& top, uint64_t max_cycles) {
  Outcome o;
  Output output(o);
  Mouth mouth;
  Input input;
  top.rx = 1;
  top.rst = 1;
  for (int cycle = 0; cycle < 2; ++cycle) edge(top);
  top.rst = 0;
  top.eval();
  while (o.cycles < max_cycles && !o.ended && !interrupted && !o.write_errno) {
    // The ports show, before the edge, what this cycle does.
    o.retired += top.retired;
    if (top.retired) {
      o.traps += top.trapped;
      o.pc = top.pc;
    }
    o.ended = top.ended;
    o.code = top.code;
    output.hear(top);
    if (mouth.idle() && !top.rx_waiting) {
      uint8_t byte;
      if (input.next(o.cycles, byte)) mouth.say(byte, top.clocks);
    }
    if (o.cycles % FLUSH_CYCLES == 0) output.flush();
    top.rx = mouth.line(top.clocks);
    edge(top);
    ++o.cycles;
  }
  // What is still on the line when a program ends.
  const uint64_t rest = o.ended ? (FRAME_BITS + 1) * static_cast<uint64_t>(top.clocks) : 0;
  for (uint64_t cycle = 0; cycle < rest; ++cycle) {
    output.hear(top);
    edge(top);
  }
  output.flush();
  return o;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is told like a full disk
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
  const Outcome o = run(*top, number("max_cycles", UINT64_MAX));
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::ofstream result(words["result"]);
  result << "{\"ended\": " << (o.ended ? "true" : "false") << ", \"code\": " << o.code
         << ", \"interrupted\": " << (interrupted ? "true" : "false") << ", \"cycles\": " << o.cycles
         << ", \"retired\": " << o.retired << ", \"traps\": " << o.traps << ", \"sent\": " << o.sent
         << ", \"pc\": " << o.pc << ", \"pins\": " << static_cast<unsigned>(top->pins_out)
         << ", \"write_errno\": " << o.write_errno << ", \"wall_s\": " << wall_s << "}" << std::endl;
  top->final();
  return result ? 0 : 2;
}
