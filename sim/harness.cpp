// The fast harness: programs on the Verilated test bench (bench.v with BLOCK = 1) without VPI, every retired
// instruction held against the reference model (reference.h) or against rows from a file.
//
// Reads jobs from standard input, one a line, and answers each with one line of JSON. A job is words NAME=VALUE,
// numbers in hexadecimal; file names are relative to the working folder and hold no spaces:
//
//   image, base, words, reset_pc, tohost, stall, dump, dump_first, dump_last    as in bench.v
//   max_steps=N      instructions after which a program counts as one that never ends
//   last=N           how many retired rows to tell at a mismatch
//   compare=0        run alone: nothing is compared
//   rows=F care=F    compare with these rows (raw words, little-endian) instead of the reference model's
//   resets=S         reset the core at random cycles, with this seed; the reference is reset with it
//   trace=F          write a waveform of what happens from retirement trace_from on (traced builds only)
//
// A mismatch is an answer. Exit code 2 means that a job could not be understood.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

#ifdef __linux__
#include <csignal>
#include <sys/prctl.h>
#endif

#include "Vtop.h"
#include "Vtop___024root.h"
#include "reference.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr uint64_t HANG_CYCLES = 10000;  // without a retirement
constexpr int RESETS = 16;               // of a program with resets
constexpr uint64_t CYCLES_AFTER = 2;     // that a waveform shows of what comes after the mismatch

class Job {
 public:
  explicit Job(const std::string& line) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const size_t at = word.find('=');
      if (at == std::string::npos) throw std::runtime_error("'" + word + "' is not NAME=VALUE");
      values_[word.substr(0, at)] = word.substr(at + 1);
      plusargs_.push_back("+" + word);
    }
  }
  uint64_t number(const std::string& name, std::optional<uint64_t> otherwise = {}) const {
    const auto found = values_.find(name);
    if (found == values_.end()) {
      if (!otherwise) throw std::runtime_error("'" + name + "' is missing");
      return *otherwise;
    }
    return std::stoull(found->second, nullptr, 16);
  }
  std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }
  const std::vector<std::string>& plusargs() const { return plusargs_; }

 private:
  std::map<std::string, std::string> values_;
  std::vector<std::string> plusargs_;
};

std::vector<uint32_t> read_image(const Job& job) {
  std::vector<uint32_t> words(job.number("words"));
  std::ifstream file(job.text("image"));
  if (!file) throw std::runtime_error("cannot read image '" + job.text("image") + "'");
  size_t at = 0;
  for (std::string word; file >> word;) {
    if (word[0] == '@') {
      at = std::stoul(word.substr(1), nullptr, 16);
    } else if (at < words.size()) {
      words[at++] = static_cast<uint32_t>(std::stoul(word, nullptr, 16));
    } else {
      throw std::runtime_error("the image is larger than the memory");
    }
  }
  return words;
}

std::vector<Row> read_rows(const std::string& name) {
  std::ifstream file(name, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error("cannot read rows '" + name + "'");
  std::vector<Row> rows(static_cast<size_t>(file.tellg()) / sizeof(Row));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(rows.data()), static_cast<std::streamsize>(rows.size() * sizeof(Row)));
  return rows;
}

// Where expected rows come from.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::optional<Expected> next() = 0;  // none: the reference has ended
  virtual void reset() { throw std::runtime_error("rows from a file cannot be reset"); }
};

class Model : public Source {
 public:
  explicit Model(const Job& job)
      : machine_(static_cast<uint32_t>(job.number("base")), read_image(job),
                 static_cast<uint32_t>(job.number("reset_pc"))) {}
  std::optional<Expected> next() override { return machine_.next(); }
  void reset() override { machine_.reset(); }

 private:
  Reference machine_;
};

class Recorded : public Source {
 public:
  explicit Recorded(const Job& job) : rows_(read_rows(job.text("rows"))), care_(read_rows(job.text("care"))) {
    if (rows_.size() != care_.size()) throw std::runtime_error("rows and care differ in length");
  }
  std::optional<Expected> next() override {
    if (at_ == rows_.size()) return {};
    ++at_;
    return Expected{rows_[at_ - 1], care_[at_ - 1]};
  }

 private:
  std::vector<Row> rows_, care_;
  size_t at_ = 0;
};

// What the registers hold. Where an instruction reads none, RVFI lets any number stand in rs1_addr, but rs1_rdata is
// the register of that number (and so for rs2): the reference's row is completed by the number that is seen.
class Registers {
 public:
  void complete(Expected& expected, const Row& seen) const {
    for (int at = 0; at < 2; ++at)
      if (!expected.care[6 + at]) {
        expected.row[6 + at] = held_[bits(seen[0], 5 * at + 4, 5 * at)];
        expected.care[6 + at] = ALL;
      }
  }
  void retire(const Row& row) {
    if (const uint32_t rd = bits(row[0], 14, 10)) held_[rd] = row[8];
  }

 private:
  std::array<uint32_t, 32> held_{};
};

// Cycles of the clock at which the core is reset: soon after each other, and after a long time.
class Resets {
 public:
  explicit Resets(uint32_t seed) : state_(seed), left_(seed ? RESETS : 0) { draw(0); }
  bool due(uint64_t cycle) const { return left_ && cycle >= at_; }
  uint32_t taken(uint64_t cycle) {  // for how many cycles
    --left_;
    draw(cycle);
    return 1 + random() % 3;
  }

 private:
  uint32_t random() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ >> 8;
  }
  void draw(uint64_t cycle) { at_ = cycle + random() % (1u << (2 + random() % 11)); }

  uint32_t state_;
  int left_;
  uint64_t at_ = 0;
};

enum class Event { RETIRED, RESET, HUNG };

// The device: a simulation of its own for every job, so that nothing is left of the one before.
class Device {
 public:
  explicit Device(const Job& job) : resets_(static_cast<uint32_t>(job.number("resets", 0))) {
    std::vector<const char*> arguments{"bench"};
    for (const std::string& argument : job.plusargs()) arguments.push_back(argument.c_str());
    context_.commandArgs(static_cast<int>(arguments.size()), arguments.data());
#if VM_TRACE
    context_.traceEverOn(true);
#endif
    top_ = std::make_unique<Vtop>(&context_);
#if VM_TRACE
    if (!job.text("trace").empty()) {
      trace_ = std::make_unique<VerilatedVcdC>();
      top_->trace(trace_.get(), 99);
      trace_->open(job.text("trace").c_str());
      if (!trace_->isOpen()) throw std::runtime_error("cannot write '" + job.text("trace") + "'");
    }
#endif
    top_->clk = 0;
    reset(2, false);
  }
  ~Device() {
#if VM_TRACE
    if (trace_) trace_->close();
#endif
    top_->final();
  }
  void clock(bool shown) {
    top_->clk = 1;
    eval(shown);
    top_->clk = 0;
    eval(shown);
  }
  // Until one more instruction retires, or the core is reset.
  Event retire(bool shown) {
    for (uint64_t cycle = 0; cycle < HANG_CYCLES; ++cycle) {
      if (resets_.due(cycles_)) {
        const uint32_t width = resets_.taken(cycles_);
        reset(width, shown);
        cycles_ += width;
        return Event::RESET;
      }
      clock(shown);
      ++cycles_;
      if (top_->rootp->bench__DOT__strobe != strobe_) {
        strobe_ = !strobe_;
        if (retired_at_) longest_ = std::max(longest_, cycles_ - *retired_at_);
        retired_at_ = cycles_;
        return Event::RETIRED;
      }
    }
    return Event::HUNG;
  }
  Row row() const {
    Row row;
    for (int word = 0; word < ROW_WORDS; ++word) row[word] = top_->rootp->bench__DOT__rows[word];
    return row;
  }
  bool done() const { return top_->rootp->bench__DOT__done; }
  uint64_t cycles() const { return cycles_; }    // since the first reset
  uint64_t longest() const { return longest_; }  // from a retirement to the next, with no reset between them
  uint32_t value() const { return top_->rootp->bench__DOT__value; }

 private:
  void reset(uint32_t width, bool shown) {
    top_->rst = 1;
    top_->eval();
    for (uint32_t cycle = 0; cycle < width; ++cycle) clock(shown);
    top_->rst = 0;
    top_->eval();
    strobe_ = 0;
    retired_at_.reset();
  }
  void eval(bool shown) {
    top_->eval();
    context_.timeInc(1);
#if VM_TRACE
    if (trace_ && shown) trace_->dump(context_.time());
#else
    (void)shown;
#endif
  }

  VerilatedContext context_;
  std::unique_ptr<Vtop> top_;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> trace_;
#endif
  Resets resets_;
  uint8_t strobe_ = 0;
  uint64_t cycles_ = 0, longest_ = 0;
  std::optional<uint64_t> retired_at_;
};

std::string words(const Row& row) {
  std::ostringstream out;
  for (int word = 0; word < ROW_WORDS; ++word) out << (word ? ", " : "[") << row[word];
  out << "]";
  return out.str();
}

void tell(std::ostream& out, const char* name, const std::optional<Row>& row) {
  out << ", \"" << name << "\": " << (row ? words(*row) : "null");
}

bool ends(const Row& row, uint32_t tohost) { return bits(row[0], 22, 19) == 15 && row[9] == tohost; }

// How the reference would have gone on: the value stored to tohost, or -1.
int64_t reference_end(Source& source, const Expected& at, uint64_t steps, uint32_t tohost) {
  std::optional<Expected> x = at;
  for (uint64_t step = 0; x && step < steps; ++step) {
    if (ends(x->row, tohost)) return x->row[11];
    x = source.next();
  }
  return -1;
}

struct Outcome {
  uint64_t retired = 0, cycles = 0, longest = 0, resets = 0;
  bool done = false, hung = false, wrong = false;
  int64_t tohost = 0, reference_tohost = -1;
  std::optional<Row> seen;           // the last row that retired
  std::optional<Expected> expected;  // and what it should be
  std::deque<Row> history;
  double wall_s = 0;
};

std::string answer(const Outcome& o) {
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  std::ostringstream out;
  out << "{\"retired\": " << o.retired << ", \"cycles\": " << o.cycles
      << ", \"longest\": " << o.longest << ", \"resets\": " << o.resets << ", \"done\": " << flag(o.done) << ", \"hung\": " << flag(o.hung)
      << ", \"wrong\": " << flag(o.wrong) << ", \"tohost\": " << o.tohost
      << ", \"reference_tohost\": " << o.reference_tohost << ", \"wall_s\": " << o.wall_s;
  const bool told = (o.wrong || o.hung) && o.expected;
  tell(out, "seen", o.wrong ? o.seen : std::nullopt);
  tell(out, "expected", told ? std::optional<Row>(o.expected->row) : std::nullopt);
  tell(out, "care", told ? std::optional<Row>(o.expected->care) : std::nullopt);
  out << ", \"last\": [";
  const char* comma = "";
  if (!o.done)
    for (const Row& row : o.history) {
      out << comma << words(row);
      comma = ", ";
    }
  out << "]}";
  return out.str();
}

bool differs(const Row& seen, const Expected& expected) {
  uint32_t wrong = 0;
  for (int word = 0; word < ROW_WORDS; ++word) wrong |= (seen[word] ^ expected.row[word]) & expected.care[word];
  return wrong != 0;
}

// Retires until the program ends, differs, hangs, or has had its steps.
void lock_step(Device& device, Source& source, const Job& job, Outcome& o) {
  const uint64_t max_steps = job.number("max_steps"), last = job.number("last", 0);
  const uint64_t trace_from = job.number("trace_from", 0);
  const bool compare = job.number("compare", 1) != 0;
  Registers registers;  // a reset leaves them alone
  while (o.retired < max_steps && !o.done) {
    const bool shown = o.retired + 1 >= trace_from;
    const Event event = device.retire(shown);
    if (event == Event::RESET) {
      source.reset();
      ++o.resets;
      continue;
    }
    o.hung = event == Event::HUNG;
    if (compare) o.expected = source.next();
    if (o.hung) return;
    o.seen = device.row();
    if (o.expected) {
      registers.complete(*o.expected, *o.seen);
      registers.retire(o.expected->row);
    }
    o.wrong = compare && (!o.expected || differs(*o.seen, *o.expected));
    if (o.wrong) {
      for (uint64_t cycle = 0; cycle < CYCLES_AFTER; ++cycle) device.clock(shown);
      return;
    }
    ++o.retired;
    o.done = device.done();
    if (last) {
      o.history.push_back(*o.seen);
      if (o.history.size() > last) o.history.pop_front();
    }
  }
}

std::string run(const Job& job) {
  std::unique_ptr<Source> source;
  if (job.text("rows").empty())
    source = std::make_unique<Model>(job);
  else
    source = std::make_unique<Recorded>(job);
  Outcome o;
  const auto start = std::chrono::steady_clock::now();
  {
    Device device(job);
    lock_step(device, *source, job, o);
    o.tohost = device.value();
    o.cycles = device.cycles();
    o.longest = device.longest();
  }
  if ((o.wrong || o.hung) && o.expected) {
    const uint32_t tohost = static_cast<uint32_t>(job.number("tohost"));
    o.reference_tohost = reference_end(*source, *o.expected, job.number("max_steps") - o.retired, tohost);
  }
  o.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return answer(o);
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
      std::cerr << "harness: " << error.what() << " in job: " << line << std::endl;
      return 2;
    }
  }
  return 0;
}
