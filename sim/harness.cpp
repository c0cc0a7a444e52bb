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
//   trace=F          write a waveform of what happens from retirement trace_from on (traced builds only)
//
// A mismatch is an answer. Exit code 2 means that a job could not be understood.
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
};

class Model : public Source {
 public:
  explicit Model(const Job& job)
      : machine_(static_cast<uint32_t>(job.number("base")), read_image(job),
                 static_cast<uint32_t>(job.number("reset_pc"))) {}
  std::optional<Expected> next() override { return machine_.next(); }

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

// The device: a simulation of its own for every job, so that nothing is left of the one before.
class Device {
 public:
  explicit Device(const Job& job) {
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
    top_->rst = 1;
    for (int cycle = 0; cycle < 2; ++cycle) clock(false);
    top_->rst = 0;
    top_->eval();
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
  // One more instruction; false if none comes.
  bool retire(bool shown) {
    for (uint64_t cycle = 0; cycle < HANG_CYCLES; ++cycle) {
      clock(shown);
      ++cycles_;
      if (top_->rootp->bench__DOT__strobe != strobe_) {
        strobe_ = !strobe_;
        return true;
      }
    }
    return false;
  }
  Row row() const {
    Row row;
    for (int word = 0; word < ROW_WORDS; ++word) row[word] = top_->rootp->bench__DOT__rows[word];
    return row;
  }
  bool done() const { return top_->rootp->bench__DOT__done; }
  uint64_t cycles() const { return cycles_; }  // since reset
  uint32_t value() const { return top_->rootp->bench__DOT__value; }

 private:
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
  uint8_t strobe_ = 0;
  uint64_t cycles_ = 0;
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
  uint64_t retired = 0, cycles = 0;
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
  out << "{\"retired\": " << o.retired << ", \"cycles\": " << o.cycles << ", \"done\": " << flag(o.done) << ", \"hung\": " << flag(o.hung)
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
  while (o.retired < max_steps && !o.done) {
    const bool shown = o.retired + 1 >= trace_from;
    o.hung = !device.retire(shown);
    if (compare) o.expected = source.next();
    if (o.hung) return;
    o.seen = device.row();
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
