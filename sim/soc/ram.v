// Memory of the small system. In a simulation +image=FILE names words for $readmemh, by index; in hardware IMAGE does.

// Two ports that answer at once, for a core that takes one cycle an instruction.
module soc_ram_async #(
  parameter WORDS = 16384,
  parameter IMAGE = ""
) (
  input  wire        clk,
  input  wire [31:0] fetch_addr,
  output wire [31:0] fetch_data,
  input  wire [31:0] addr,
  input  wire [3:0]  wmask,
  input  wire [31:0] wdata,
  output wire [31:0] rdata
);
  localparam BITS = $clog2(WORDS);
  reg [31:0] memory [0:WORDS-1];
`ifdef VERILATOR
  reg [8*1024-1:0] image;
  initial if ($value$plusargs("image=%s", image)) $readmemh(image, memory);
`else
  initial if (IMAGE != "") $readmemh(IMAGE, memory);
`endif
  assign fetch_data = memory[fetch_addr[BITS+1:2]];
  assign rdata      = memory[addr[BITS+1:2]];
  integer lane;
  always @(posedge clk)
    for (lane = 0; lane < 4; lane = lane + 1)
      if (wmask[lane]) memory[addr[BITS+1:2]][8*lane +: 8] <= wdata[8*lane +: 8];
endmodule

// One port that answers in the next cycle: a block RAM. A cycle that writes does not read: what a block RAM answers
// then differs between parts, and logic that makes them equal costs a flip-flop and several LUTs a bit.
module soc_ram_sync #(
  parameter WORDS = 2048,
  parameter IMAGE = ""
) (
  input  wire        clk,
  input  wire        enable,
  input  wire [31:0] addr,
  input  wire [3:0]  wmask,
  input  wire [31:0] wdata,
  output reg  [31:0] rdata
);
  localparam BITS = $clog2(WORDS);
  reg [31:0] memory [0:WORDS-1];
`ifdef VERILATOR
  reg [8*1024-1:0] image;
  initial if ($value$plusargs("image=%s", image)) $readmemh(image, memory);
`else
  initial if (IMAGE != "") $readmemh(IMAGE, memory);
`endif
  integer lane;
  always @(posedge clk)
    if (enable) begin
      if (wmask == 0) rdata <= memory[addr[BITS+1:2]];
      for (lane = 0; lane < 4; lane = lane + 1)
        if (wmask[lane]) memory[addr[BITS+1:2]][8*lane +: 8] <= wdata[8*lane +: 8];
    end
endmodule
