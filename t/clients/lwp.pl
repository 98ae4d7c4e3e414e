# LWP::UserAgent. It waits, for two seconds, if the program sets Expect.

use strict;
use warnings;

use HTTP::Request ();
use LWP::UserAgent ();

my($url, $file, $login) = @ENV{qw(URL FILE LOGIN)};
my $agent = LWP::UserAgent->new(env_proxy => 0);
if ($login) {
    my($host) = $url =~ m,^\w+://([^/]+),;
    $agent->credentials($host, 'Uploads', split /:/, $login);
}
open my $fh, '<:raw', $file or die "$file: $!\n";
my $content = do { local $/; <$fh> };
my $request = HTTP::Request->new(PUT => $url, [
    'Content-Length' => length $content,
    $ENV{ASK} eq 'yes' ? (Expect => '100-continue') : ()], $content);
my $response = $agent->request($request);
# a status that LWP made up has this field
print 'STATUS ', $response->code, "\n"
    if !$response->header('Client-Warning');
print $response->status_line, "\n";
