// What `bsdgen record --core` needs of PicoRV32, around rv32i_step.v: its memory port, its RVFI port, its halt at a trap.
module picorv32 #(
  parameter ENABLE_COUNTERS = 1,
  parameter ENABLE_COUNTERS64 = 1,
  parameter REGS_INIT_ZERO = 0,
  parameter [31:0] PROGADDR_RESET = 0
) (
`ifdef RISCV_FORMAL
  output reg        rvfi_valid, rvfi_trap,
  output reg [31:0] rvfi_insn, rvfi_pc_rdata, rvfi_rs1_rdata, rvfi_rs2_rdata, rvfi_mem_rdata,
  output reg [4:0]  rvfi_rs1_addr, rvfi_rs2_addr, rvfi_rd_addr,
  output reg [31:0] rvfi_rd_wdata, rvfi_pc_wdata, rvfi_mem_addr, rvfi_mem_wdata,
  output reg [3:0]  rvfi_mem_rmask, rvfi_mem_wmask,
`endif
  input             clk, resetn,
  output reg        mem_valid, mem_instr,
  output reg [31:0] mem_addr, mem_wdata,
  output reg [3:0]  mem_wstrb,
  input             mem_ready,
  input      [31:0] mem_rdata
);
  localparam FETCH = 0, DECODE = 1, ACCESS = 2, RETIRE = 3, HALT = 4;
  reg [2:0]  state;
  reg [31:0] pc, insn, loaded;
  reg [31:0] regs [0:31];
  integer i;
  initial for (i = 0; i < 32; i = i + 1) regs[i] = REGS_INIT_ZERO ? 0 : 32'hdeadbeef;

  wire [4:0]  rs1_addr, rs2_addr, rd_addr;
  wire [31:0] rd_wdata, pc_wdata, address, wdata;
  wire [3:0]  rmask, wmask;
  wire        trap;
  wire [31:0] rs1 = regs[rs1_addr], rs2 = regs[rs2_addr];
  rv32i_step step (
    .insn(insn), .pc_rdata(pc), .rs1_rdata(rs1), .rs2_rdata(rs2), .mem_rdata(loaded),
    .rs1_addr(rs1_addr), .rs2_addr(rs2_addr), .rd_addr(rd_addr), .rd_wdata(rd_wdata), .pc_wdata(pc_wdata),
    .mem_addr(address), .mem_rmask(rmask), .mem_wmask(wmask), .mem_wdata(wdata), .trap(trap)
  );

  always @(posedge clk) begin
    rvfi_valid <= 0;
    if (!resetn) begin
      state <= FETCH;
      pc <= PROGADDR_RESET;
      mem_valid <= 0;
    end else case (state)
      FETCH:
        if (mem_valid && mem_ready) begin
          insn <= mem_rdata;
          mem_valid <= 0;
          state <= mem_rdata == 32'h0000000b ? HALT : DECODE;  // for a test: a word on which it hangs
        end else begin
          mem_valid <= 1;
          mem_instr <= 1;
          mem_addr <= pc;
          mem_wstrb <= 0;
        end
      DECODE: begin
        loaded <= 0;
        mem_valid <= |(rmask | wmask);
        mem_instr <= 0;
        mem_addr <= address;
        mem_wdata <= wdata;
        mem_wstrb <= wmask;
        state <= rmask | wmask ? ACCESS : RETIRE;
      end
      ACCESS:
        if (mem_ready) begin
          loaded <= mem_rdata;
          mem_valid <= 0;
          state <= RETIRE;
        end
      RETIRE: begin
        rvfi_valid <= 1;
        {rvfi_insn, rvfi_pc_rdata, rvfi_rs1_rdata, rvfi_rs2_rdata, rvfi_mem_rdata} <= {insn, pc, rs1, rs2, loaded};
        {rvfi_rs1_addr, rvfi_rs2_addr, rvfi_rd_addr} <= {rs1_addr, rs2_addr, rd_addr};
        {rvfi_rd_wdata, rvfi_pc_wdata, rvfi_mem_addr, rvfi_mem_wdata} <= {rd_wdata, pc_wdata, address, wdata};
        {rvfi_mem_rmask, rvfi_mem_wmask, rvfi_trap} <= {rmask, wmask, trap};
        if (rd_addr != 0) regs[rd_addr] <= rd_wdata;
        pc <= pc_wdata;
        state <= trap ? HALT : FETCH;
      end
      default: ;
    endcase
  end
endmodule

