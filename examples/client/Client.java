import java.util.Arrays;
import java.util.stream.Stream;

public class Client {
    /* uwsgi.rpc without a node calls a function of this server. */
    private static String local(String name, Stream<String> args) {
        return uwsgi.rpc(Stream.concat(Stream.of("", name), args).toArray(String[]::new));
    }

    private static String netstrings(String... items) {
        return String.join("", Arrays.stream(items).map(item -> item.length() + ":" + item + ",")
            .toArray(String[]::new));
    }

    static {
        /* One call: its result, or how it failed. */
        uwsgi.register_rpc("java_ask", call -> {
            String result = local("net.call", Arrays.stream(call));
            return result == null ? local("net.outcome", Stream.empty()) : result;
        });
        /* A call for each argument, all at once. */
        uwsgi.register_rpc("java_gather", args -> local("net.gather",
            Arrays.stream(args).skip(2).map(arg -> netstrings(args[0], args[1], arg))));
    }
}
