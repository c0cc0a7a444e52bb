// Test bench of a core with bsdgen's bus and RVFI ports (shell fpga): as bench.v, whose arguments and window it has,
// with one memory on the bus. `CORE is the core's module name. With `WISHBONE the bus is Wishbone (shell wishbone):
// outside of the memory transfers end with an error, on which a core reads 0, as the reference does there.
//
//   +stall=S       0: a synchronous memory, which answers one cycle after a request rises, and reads the next word as
//                  an access ends, at bus_next (which Wishbone lacks). Else answers come at random cycles, in the request's first one or
//                  many later, with this seed
//
// What the bus shows outside of an answer is noise, and so are bytes that were not asked for, and answers to nothing.
module bench #(
  parameter BLOCK = 64,
  parameter DEPTH = 1 << 24
) (
  input wire clk /* verilator public_flat_rw */,
  input wire rst /* verilator public_flat_rw */
);
  // One row is twelve words; `bsdgen.cosim.scoreboard` names their bits.
  localparam ROW = 384;

  reg [31:0] base, words, reset_pc, tohost;
  reg [31:0] seed, noise;
  reg [8*1024-1:0] image;
  reg [31:0] memory [0:DEPTH-1];

  initial begin
    seed = 0;
    if (!$value$plusargs("base=%h", base) || !$value$plusargs("words=%h", words)
        || !$value$plusargs("reset_pc=%h", reset_pc) || !$value$plusargs("tohost=%h", tohost)
        || !$value$plusargs("image=%s", image)) begin
      $display("bench: needs +image, +base, +words, +reset_pc and +tohost");
      $finish;
    end
    if ($value$plusargs("stall=%h", seed)) ;
    noise = |seed ? seed : 32'h1;
    $readmemh(image, memory);
  end

  reg [31:0] dump_first, dump_last;
  reg [8*1024-1:0] dump;
  final
    if ($value$plusargs("dump=%s", dump) && $value$plusargs("dump_first=%h", dump_first)
        && $value$plusargs("dump_last=%h", dump_last))
      $writememh(dump, memory, dump_first, dump_last);

  // What the harness reads.
  reg                 strobe /* verilator public_flat_rd */;
  reg                 done   /* verilator public_flat_rd */;
  reg [31:0]          value  /* verilator public_flat_rd */;
  reg [31:0]          count  /* verilator public_flat_rd */;
  reg [BLOCK*ROW-1:0] rows   /* verilator public_flat_rd */;
  reg [31:0]          fill   /* verilator public_flat_rd */;

  function [31:0] lanes(input [3:0] mask);
    lanes = {{8{mask[3]}}, {8{mask[2]}}, {8{mask[1]}}, {8{mask[0]}}};
  endfunction

  // The bus.
  wire        bus_valid, bus_instr;
  wire [31:0] bus_addr, bus_wdata, bus_next;
  wire [3:0]  bus_rmask, bus_wmask;
  wire [31:0] index  = (bus_addr - base) >> 2;
  wire        there = index < words;
  reg         answers;  // of the synchronous memory
  reg  [31:0] answer;
  wire        gives = noise[9] ? noise[0] : noise[2:0] == 3'd0;  // at random cycles: soon for a while, then late
  wire        ready = bus_valid && !done && (|seed ? gives : answers);
  wire [31:0] held  = there ? memory[index[$clog2(DEPTH)-1:0]] : 32'd0;
  wire [31:0] word  = |seed ? held : answer;
  wire [31:0] bus_rdata = ready ? word ^ (noise & ~lanes(bus_rmask)) : ~noise;
  wire        ended = bus_valid && ready;
  wire        access = ended && !bus_instr;
  wire [31:0] next_index = (bus_next - base) >> 2;
  wire [31:0] next_held  = next_index < words ? memory[next_index[$clog2(DEPTH)-1:0]] : 32'd0;
  wire [31:0] stored     = next_index == index ? lanes(bus_wmask) : 32'd0;  // in the same cycle, in the same word
`ifdef WISHBONE
  wire        ahead      = 1'b0;
`else
  wire        ahead      = access && !(|seed);
`endif
  wire        answered   = bus_valid ? ready : noise[4];

  wire        valid, trap, halt, intr;
  wire [63:0] order;
  wire [31:0] insn, rs1_rdata, rs2_rdata, rd_wdata, pc_rdata, pc_wdata, maddr, mrdata, mwdata;
  wire [4:0]  rs1_addr, rs2_addr, rd_addr;
  wire [3:0]  rmask, wmask;
  wire [1:0]  mode, ixl;

`ifdef WISHBONE
  // What is asked for is a fetch while the core has no word to execute, or executes one that accesses nothing.
  reg         executes;
  wire        wb_cyc, wb_stb, wb_we;
  wire [29:0] wb_adr;
  wire [3:0]  wb_sel;
  wire        failed = bus_valid ? !there : noise[7];
  assign bus_valid = wb_cyc && wb_stb;
  assign bus_instr = !executes || !(|{rmask, wmask});
  assign bus_addr  = {wb_adr, 2'b00};
  assign bus_rmask = bus_valid && !wb_we ? wb_sel : 4'h0;
  assign bus_wmask = bus_valid && wb_we ? wb_sel : 4'h0;
  assign bus_next  = 32'd0;
  always @(posedge clk) executes <= !rst && (ended && bus_instr || executes && !valid);
`endif

  `CORE core (
    .clk(clk), .rst(rst), .reset_pc(reset_pc),
`ifdef WISHBONE
    .wb_cyc(wb_cyc), .wb_stb(wb_stb), .wb_we(wb_we), .wb_adr(wb_adr), .wb_sel(wb_sel), .wb_dat_w(bus_wdata),
    .wb_dat_r(failed ? noise : bus_rdata), .wb_ack(answered && (!failed || noise[3])), .wb_err(answered && failed),
`else
    .bus_valid(bus_valid), .bus_ready(answered), .bus_instr(bus_instr), .bus_addr(bus_addr), .bus_rmask(bus_rmask),
    .bus_wmask(bus_wmask), .bus_wdata(bus_wdata), .bus_rdata(bus_rdata), .bus_next(bus_next),
`endif
    .rvfi_valid(valid), .rvfi_order(order), .rvfi_insn(insn), .rvfi_trap(trap), .rvfi_halt(halt), .rvfi_intr(intr),
    .rvfi_mode(mode), .rvfi_ixl(ixl), .rvfi_rs1_addr(rs1_addr), .rvfi_rs2_addr(rs2_addr),
    .rvfi_rs1_rdata(rs1_rdata), .rvfi_rs2_rdata(rs2_rdata), .rvfi_rd_addr(rd_addr), .rvfi_rd_wdata(rd_wdata),
    .rvfi_pc_rdata(pc_rdata), .rvfi_pc_wdata(pc_wdata), .rvfi_mem_addr(maddr), .rvfi_mem_rmask(rmask),
    .rvfi_mem_wmask(wmask), .rvfi_mem_rdata(mrdata), .rvfi_mem_wdata(mwdata)
  );

  // What the core does on its bus must be what it shows. conflict: at this retirement there is another access, or
  // none, or the word that was fetched last is another one or stood elsewhere. stray, since the retirement before:
  // an access that nothing retired with, a request that was changed or dropped before its answer, or one in a cycle
  // with reset or the one that follows it (Wishbone B4, rule 3.20).
  reg         waiting, fetched, stray, was_reset;
  reg  [31:0] fetched_addr, fetched_word;
  reg  [73:0] asked;
  wire [73:0] asks = {bus_valid, bus_instr, bus_addr, bus_rmask, bus_wmask, bus_wdata & lanes(bus_wmask)};
  wire        accessed = |{rmask, wmask};
  wire        conflict = access != accessed || !fetched || fetched_addr != pc_rdata || fetched_word != insn
    || (access && (bus_rmask != rmask || bus_wmask != wmask || bus_addr != maddr
                   || |((bus_wdata ^ mwdata) & lanes(wmask))));
  wire        wrong = (access && !valid) || (waiting && asks != asked) || (bus_valid && was_reset)
`ifdef WISHBONE
    || wb_cyc != wb_stb
`endif
    ;

  wire [31:0] flags = {
    stray || wrong, conflict, ixl, mode, intr, halt, trap, wmask, rmask, rd_addr, rs2_addr, rs1_addr
  };
  wire [ROW-1:0] row = {
    mwdata, mrdata, maddr, rd_wdata, rs2_rdata, rs1_rdata, pc_wdata, pc_rdata, insn, order, flags
  };
  wire ends = access && bus_wmask == 4'hf && bus_addr == tohost;

  integer lane;
  always @(posedge clk) begin
    noise <= {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};
    answers <= ahead || (bus_valid && !answers);
    answer  <= ahead ? (next_held & ~stored) | (bus_wdata & stored) : held;
    for (lane = 0; lane < 4; lane = lane + 1)
      if (ended && bus_wmask[lane] && there)
        memory[index[$clog2(DEPTH)-1:0]][8*lane +: 8] <= bus_wdata[8*lane +: 8];
    waiting <= bus_valid && !ready && !rst;
    asked   <= asks;
    was_reset <= rst;
    stray     <= rst ? bus_valid : !valid && (stray || wrong);
    if (valid) fetched <= 0;
    if (ended && bus_instr) begin
      fetched      <= 1;
      fetched_addr <= bus_addr;
      fetched_word <= bus_rdata;
    end
    if (rst) begin
      fetched <= 0;
      strobe  <= 0;
      done    <= 0;
      value   <= 0;
      count   <= 0;
      fill    <= 0;
    end else if (valid) begin
      rows[(BLOCK == 1 ? 0 : fill)*ROW +: ROW] <= row;
      fill <= fill + 1;
      if (ends || fill == BLOCK - 1) begin
        strobe <= !strobe;
        count  <= fill + 1;
        fill   <= 0;
      end
      if (ends) begin
        done  <= 1;
        value <= bus_wdata;
      end
    end
  end
endmodule
