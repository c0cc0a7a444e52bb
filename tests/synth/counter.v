// A counter with a small memory, for tests: WIDTH sets how wide it counts.
module counter #(
  parameter WIDTH = 8
) (
  input wire clk,
  input wire rst,
  input wire [1:0] where,
  output reg [WIDTH-1:0] count,
  output wire [3:0] kept,
  output wire rvfi_valid
);
  reg [3:0] memory[0:3];
  reg watched;
  assign kept = memory[where];
  assign rvfi_valid = watched;
  always @(posedge clk) begin
    watched <= ~watched;
    memory[count[1:0]] <= count[3:0];
    count <= rst ? 0 : count + 1;
  end
endmodule
