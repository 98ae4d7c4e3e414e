/* java.net.http.HttpClient, of Java 11 and later. */

import java.net.Authenticator;
import java.net.PasswordAuthentication;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import java.net.Socket;
import javax.net.ssl.SSLEngine;

class JavaHttpClient {
    /* The server's certificate is its own. */
    static class Trust extends X509ExtendedTrustManager {
        public void checkClientTrusted(X509Certificate[] c, String a) { }
        public void checkServerTrusted(X509Certificate[] c, String a) { }
        public void checkClientTrusted(X509Certificate[] c, String a,
                                       Socket s) { }
        public void checkServerTrusted(X509Certificate[] c, String a,
                                       Socket s) { }
        public void checkClientTrusted(X509Certificate[] c, String a,
                                       SSLEngine e) { }
        public void checkServerTrusted(X509Certificate[] c, String a,
                                       SSLEngine e) { }
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    static HttpClient client(Map<String, String> env) throws Exception {
        HttpClient.Builder builder = HttpClient.newBuilder()
            .version(env.get("HTTP").equals("2") ? HttpClient.Version.HTTP_2
                                                 : HttpClient.Version.HTTP_1_1);
        if (env.get("URL").startsWith("https:")) {
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, new TrustManager[] { new Trust() },
                     new SecureRandom());
            builder.sslContext(tls);
        }
        String login = env.get("LOGIN");
        if (login != null) {
            String[] pair = login.split(":");
            builder.authenticator(new Authenticator() {
                protected PasswordAuthentication getPasswordAuthentication() {
                    return new PasswordAuthentication(pair[0],
                                                      pair[1].toCharArray());
                }
            });
        }
        return builder.build();
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> env = System.getenv();
        HttpRequest request = HttpRequest.newBuilder(URI.create(env.get("URL")))
            .expectContinue(env.get("ASK").equals("yes"))
            .PUT(HttpRequest.BodyPublishers.ofFile(Path.of(env.get("FILE"))))
            .build();
        int code = 0;
        try {
            HttpResponse<String> response = client(env)
                .send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println("STATUS " + response.statusCode());
            System.out.println(response.statusCode());
        }
        catch (Exception e) {
            System.out.println(e);
            code = 1;
        }
        System.exit(code);
    }
}
