// Test bench of a core with bsdgen's memory and RVFI ports: memory, and a window that shows retired instructions a
// block at a time. `CORE is the core's module name.
//
// cocotb asks the window once in BLOCK instructions, which is what makes lock-step fast there: reading a dozen signals
// from Python at every cycle would take several times longer than the core itself. The C++ harness (harness.cpp) has
// BLOCK = 1 and looks at every instruction.
//
// Arguments of the simulation (numbers in hexadecimal):
//   +image=FILE    words for $readmemh, by index from the base address
//   +base=A        address of memory word 0, a multiple of 4
//   +words=N       words of memory; beyond them reads give 0 and writes are ignored. Bytes of a read that the core
//                  did not ask for come inverted
//   +reset_pc=A    address of the first instruction
//   +tohost=A      address of the word whose store ends the program
//   +stall=S       optional: hold the core at random cycles, with this seed (not 0)
//   +dump=FILE     optional: at the end of the simulation write the words +dump_first=I to +dump_last=I (indices)
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
  reg [31:0] noise;
  reg [8*1024-1:0] image;
  reg [31:0] memory [0:DEPTH-1];

  initial begin
    noise = 0;
    if (!$value$plusargs("base=%h", base) || !$value$plusargs("words=%h", words)
        || !$value$plusargs("reset_pc=%h", reset_pc) || !$value$plusargs("tohost=%h", tohost)
        || !$value$plusargs("image=%s", image)) begin
      $display("bench: needs +image, +base, +words, +reset_pc and +tohost");
      $finish;
    end
    if ($value$plusargs("stall=%h", noise)) ;
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

  wire [31:0] fetch_addr, mem_addr, mem_wdata;
  wire [3:0]  mem_rmask, mem_wmask;
  wire [31:0] fetch_index = (fetch_addr - base) >> 2;
  wire [31:0] mem_index   = (mem_addr - base) >> 2;
  wire [31:0] fetch_data  = fetch_index < words ? memory[fetch_index[$clog2(DEPTH)-1:0]] : 32'd0;
  wire [31:0] mem_held    = mem_index < words ? memory[mem_index[$clog2(DEPTH)-1:0]] : 32'd0;
  // By the mask that is shown, which must be that of the bus: the bus has it only while the core is not in reset, and
  // what depends on an input of the bench is evaluated twice as often.
  wire [31:0] mem_rdata   = mem_held ^ ~lanes(rmask);
  wire        enable      = !done && !(|noise && noise[1:0] == 2'b00);

  wire        valid, trap, halt, intr;
  wire [63:0] order;
  wire [31:0] insn, rs1_rdata, rs2_rdata, rd_wdata, pc_rdata, pc_wdata, maddr, mrdata, mwdata;
  wire [4:0]  rs1_addr, rs2_addr, rd_addr;
  wire [3:0]  rmask, wmask;
  wire [1:0]  mode, ixl;

  function [31:0] lanes(input [3:0] mask);
    lanes = {{8{mask[3]}}, {8{mask[2]}}, {8{mask[1]}}, {8{mask[0]}}};
  endfunction

  // What the core does on its bus must be what it shows: conflict is a difference at this retirement, or one that
  // enable does not allow; stray is an access since the one before (in reset: in the last cycle of it).
  //
  // Taken apart from the row by variables of their own: as expressions of the core's single bits they would be put
  // together again wherever they are used, which costs a third of the speed.
  reg [31:0] bus_addr, bus_wdata, shown_addr, shown_wdata;
  reg [7:0]  bus_masks;
  reg        conflict, stray;

  `CORE core (
    .clk(clk), .rst(rst), .reset_pc(reset_pc), .enable(enable),
    .fetch_addr(fetch_addr), .fetch_data(fetch_data),
    .mem_addr(mem_addr), .mem_rmask(mem_rmask), .mem_wmask(mem_wmask), .mem_wdata(mem_wdata), .mem_rdata(mem_rdata),
    .rvfi_valid(valid), .rvfi_order(order), .rvfi_insn(insn), .rvfi_trap(trap), .rvfi_halt(halt), .rvfi_intr(intr),
    .rvfi_mode(mode), .rvfi_ixl(ixl), .rvfi_rs1_addr(rs1_addr), .rvfi_rs2_addr(rs2_addr),
    .rvfi_rs1_rdata(rs1_rdata), .rvfi_rs2_rdata(rs2_rdata), .rvfi_rd_addr(rd_addr), .rvfi_rd_wdata(rd_wdata),
    .rvfi_pc_rdata(pc_rdata), .rvfi_pc_wdata(pc_wdata), .rvfi_mem_addr(maddr), .rvfi_mem_rmask(rmask),
    .rvfi_mem_wmask(wmask), .rvfi_mem_rdata(mrdata), .rvfi_mem_wdata(mwdata)
  );

  reg [31:0] flags;
  reg [ROW-1:0] row;
  wire ends = mem_wmask == 4'hf && mem_addr == tohost;

  integer lane;
  always @(posedge clk) begin
    bus_masks   = {mem_wmask, mem_rmask};
    bus_addr    = mem_addr;
    bus_wdata   = mem_wdata;
    shown_addr  = maddr;
    shown_wdata = mwdata;
    conflict = !enable || bus_masks != {wmask, rmask} || (|bus_masks && bus_addr != shown_addr)
      || |((bus_wdata ^ shown_wdata) & lanes(bus_masks[7:4]));
    stray <= !valid && (|bus_masks || (stray && !rst));
    if (|noise) noise <= {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};
    for (lane = 0; lane < 4; lane = lane + 1)
      if (mem_wmask[lane] && mem_index < words)
        memory[mem_index[$clog2(DEPTH)-1:0]][8*lane +: 8] <= mem_wdata[8*lane +: 8];
    if (rst) begin
      strobe <= 0;
      done   <= 0;
      value  <= 0;
      count  <= 0;
      fill   <= 0;
    end else if (valid) begin
      flags = {stray, conflict, ixl, mode, intr, halt, trap, wmask, rmask, rd_addr, rs2_addr, rs1_addr};
      row = {
        shown_wdata, mrdata, shown_addr, rd_wdata, rs2_rdata, rs1_rdata, pc_wdata, pc_rdata, insn, order, flags
      };
      rows[(BLOCK == 1 ? 0 : fill)*ROW +: ROW] <= row;
      fill <= fill + 1;
      if (ends || fill == BLOCK - 1) begin
        strobe <= !strobe;
        count  <= fill + 1;
        fill   <= 0;
      end
      if (ends) begin
        done  <= 1;
        value <= mem_wdata;
      end
    end
  end
endmodule
