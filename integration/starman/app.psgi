# A PSGI application.
#
# GET /echo/ID[?ms=N]   "ID REVISION PID\n", after N ms
use strict;
use warnings;
use Time::HiRes qw(sleep);

my $revision = join ':', $ENV{RELOADD_REVISION} // 0, $ENV{RELOADD_RELEASE} // ();

sub {
    my ($env) = @_;
    my ($id) = $env->{PATH_INFO} =~ m{\A/echo/(\d+)\z};
    return [404, ['Content-Length' => 0], []] unless defined $id;
    sleep($1 / 1000) if $env->{QUERY_STRING} =~ /\bms=(\d+)/;
    my $line = "$id $revision $$\n";
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $line], [$line]];
};
