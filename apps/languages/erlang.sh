# erlc and the SMP emulator: processes, TCP, UDP, files, ETS, ports.
# packages: erlang-base erlang-crypto
# limit: 600
script 'as here' --cpus 2 --memory 1G <<'END'
cat > t.erl <<'P'
-module(t).
-export([main/0]).
fib(N) when N < 2 -> N; fib(N) -> fib(N-1)+fib(N-2).
main() ->
  io:format("~p ~p~n", [fib(22), erlang:system_info(smp_support)]),
  S = self(), Ps = [spawn(fun() -> S ! {I, fib(15)} end) || I <- lists:seq(1,1000)],
  R = [receive {I, V} -> V end || I <- lists:seq(1,1000)],
  io:format("~p ~p~n", [length(Ps), lists:sum(R)]),
  io:format("~s", [os:cmd("echo hi")]),
  {ok, L} = gen_tcp:listen(0, [binary, {active,false},{ip,{127,0,0,1}}]), {ok, P} = inet:port(L),
  spawn(fun() -> {ok,A}=gen_tcp:accept(L), {ok,B}=gen_tcp:recv(A,0), gen_tcp:send(A,[B,B]), gen_tcp:close(A) end),
  {ok,C}=gen_tcp:connect({127,0,0,1},P,[binary,{active,false}]), gen_tcp:send(C,<<"ab">>), io:format("~p~n",[gen_tcp:recv(C,4)]),
  {ok,F}=file:open("/tmp/x.erl.t",[write]), file:write(F,"abc"), file:close(F), io:format("~p~n",[file:read_file("/tmp/x.erl.t")]), file:delete("/tmp/x.erl.t"),
  receive after 50 -> ok end,
  io:format("~p~n", [element(1, (catch erlang:error(x)))]),
  E = ets:new(a,[public]), [ets:insert(E,{X,X})||X<-lists:seq(1,10000)], io:format("~p~n",[ets:info(E,size)]),
  {ok,U}=gen_udp:open(0,[binary,{active,false},{ip,{127,0,0,1}}]), {ok,UP}=inet:port(U), gen_udp:send(U,{127,0,0,1},UP,<<"u">>), {ok,{_,_,D}}=gen_udp:recv(U,0), io:format("~p~n",[D]),
  erlang:halt(0).
P
erlc t.erl && erl -noshell -noinput -s t main
erl -noshell -eval 'io:format("~p~n",[erlang:system_info(schedulers)]), init:stop().'
END
