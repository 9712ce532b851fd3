// SPDX-License-Identifier: MIT
/* The functions every language registers, in Java; loaded in each worker after its fork. */
import java.nio.charset.StandardCharsets;

public class Functions {
    private static void register(String name, uwsgi.RpcFunction function) {
        uwsgi.register_rpc("java_" + name, function);
    }

    private static String echo(String... args) {
        StringBuilder all = new StringBuilder();
        for (String arg : args)
            all.append(arg.getBytes(StandardCharsets.UTF_8).length).append(':').append(arg).append(',');
        return all.toString();
    }

    /* uwsgi.rpc takes the node first; none is this process. */
    private static String call(String... args) {
        String[] request = new String[args.length + 1];
        request[0] = "";
        System.arraycopy(args, 0, request, 1, args.length);
        return uwsgi.rpc(request);
    }

    static {
        register("echo", args -> echo(args));
        register("count", args -> Integer.toString(args.length));
        register("empty", args -> "");
        register("one", args -> "1");
        register("big", args -> "x".repeat(102400));
        register("fail", args -> { throw new IllegalStateException("refused by java_fail"); });
        register("call", args -> call(args));
        register("remote", args -> uwsgi.rpc(args));
    }
}
