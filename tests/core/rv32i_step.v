// A hand-written RV32I step function with the ports of RVFI_SCHEMA, as a person writes it: one adder, one shifter. In
// tests it stands in for a learned model.
module rv32i_step (
  input  [31:0] insn, pc_rdata, rs1_rdata, rs2_rdata, mem_rdata,
  output [4:0]  rs1_addr, rs2_addr, rd_addr,
  output [31:0] rd_wdata, pc_wdata, mem_addr,
  output [3:0]  mem_rmask, mem_wmask,
  output [31:0] mem_wdata,
  output        trap
);
  wire [6:0] opcode = insn[6:0];
  wire [2:0] funct3 = insn[14:12];
  wire [6:0] funct7 = insn[31:25];

  wire lui    = opcode == 7'b0110111;
  wire auipc  = opcode == 7'b0010111;
  wire jal    = opcode == 7'b1101111;
  wire jalr   = opcode == 7'b1100111 && funct3 == 0;
  wire branch = opcode == 7'b1100011 && funct3[2:1] != 2'b01;
  wire load   = opcode == 7'b0000011 && funct3 != 3 && funct3 != 6 && funct3 != 7;
  wire store  = opcode == 7'b0100011 && funct3 < 3;
  wire shift  = funct3[1:0] == 2'b01;
  wire opimm  = opcode == 7'b0010011
      && (!shift || funct7 == 0 || (funct7 == 7'b0100000 && funct3[2]));
  wire op     = opcode == 7'b0110011
      && (funct7 == 0 || (funct7 == 7'b0100000 && (funct3 == 0 || funct3 == 5)));
  wire fence  = opcode == 7'b0001111 && funct3 == 0;
  wire legal  = lui | auipc | jal | jalr | branch | load | store | opimm | op | fence;

  wire [31:0] imm_i = {{20{insn[31]}}, insn[31:20]};
  wire [31:0] imm_s = {{20{insn[31]}}, insn[31:25], insn[11:7]};
  wire [31:0] imm_b = {{20{insn[31]}}, insn[7], insn[30:25], insn[11:8], 1'b0};
  wire [31:0] imm_u = {insn[31:12], 12'b0};
  wire [31:0] imm_j = {{12{insn[31]}}, insn[19:12], insn[20], insn[30:21], 1'b0};

  assign rs1_addr = insn[19:15];
  assign rs2_addr = insn[24:20];

  // Arithmetic
  wire [31:0] b   = opcode[5] ? rs2_rdata : imm_i;
  wire        sub = branch | (op & insn[30]) | (funct3[2:1] == 2'b01);
  wire [32:0] sum = {1'b0, rs1_rdata} + {1'b0, sub ? ~b : b} + {32'b0, sub};
  wire        ltu = ~sum[32];
  wire        lt  = rs1_rdata[31] != b[31] ? rs1_rdata[31] : ltu;
  wire [31:0] right = $signed({insn[30] & rs1_rdata[31], rs1_rdata}) >>> b[4:0];
  reg  [31:0] alu;
  always @* case (funct3)
    0: alu = sum[31:0];
    1: alu = rs1_rdata << b[4:0];
    2: alu = {31'b0, lt};
    3: alu = {31'b0, ltu};
    4: alu = rs1_rdata ^ b;
    5: alu = right;
    6: alu = rs1_rdata | b;
    default: alu = rs1_rdata & b;
  endcase

  // Memory
  wire [31:0] address = rs1_rdata + (opcode[5] ? imm_s : imm_i);
  wire misaligned = (funct3[1] & address[1:0] != 0) | (funct3[0] & address[0]);
  wire [3:0] mask = funct3[1] ? 4'b1111 : funct3[0] ? 4'b0011 << address[1:0] : 4'b0001 << address[1:0];
  assign mem_addr  = {address[31:2], 2'b00};
  assign mem_rmask = load && legal && !misaligned ? mask : 0;
  assign mem_wmask = store && legal && !misaligned ? mask : 0;
  assign mem_wdata = funct3[1] ? rs2_rdata : funct3[0] ? {2{rs2_rdata[15:0]}} : {4{rs2_rdata[7:0]}};
  wire [15:0] half = address[1] ? mem_rdata[31:16] : mem_rdata[15:0];
  wire [7:0]  byte = address[0] ? half[15:8] : half[7:0];
  wire [31:0] loaded = funct3[1] ? mem_rdata
      : funct3[0] ? {{16{half[15] & ~funct3[2]}}, half} : {{24{byte[7] & ~funct3[2]}}, byte};

  // Next pc
  wire equal = rs1_rdata == rs2_rdata;
  wire taken = branch & ((funct3[2] ? (funct3[1] ? ltu : lt) : equal) ^ funct3[0]);
  wire [31:0] target = (jalr ? rs1_rdata : pc_rdata) + (jal ? imm_j : jalr ? imm_i : imm_b);
  wire        jump = jal | jalr | taken;
  wire [31:0] next = pc_rdata + 4;
  assign pc_wdata = jump ? {target[31:1], target[0] & ~jalr} : next;
  assign trap = !legal | (jump & pc_wdata[1:0] != 0) | ((load | store) & misaligned);
  assign rd_addr = trap | branch | store | fence ? 0 : insn[11:7];
  assign rd_wdata = lui ? imm_u : auipc ? pc_rdata + imm_u : jal | jalr ? next : load ? loaded : alu;
endmodule
