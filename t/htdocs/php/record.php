<?php
// Writes down what it is handed, for the token in the query, as
// t/htdocs/cgi/record.cgi does: its process id, its environment, the bytes, and
// that the end of the content came.

$to = $_SERVER['DOCUMENT_ROOT'] . '/../logs/handed-' . $_SERVER['QUERY_STRING'];

file_put_contents("$to.pid", getmypid());
$env = '';
foreach ($_SERVER as $name => $value) {
    $env .= is_string($value) ? "$name=$value\n" : '';
}
file_put_contents("$to.env", $env);

$bytes = 0;
$in = fopen('php://input', 'rb');
while (!feof($in)) {
    $data = fread($in, 8192);
    if ($data === false || $data === '') {
        break;
    }
    file_put_contents($to, $data, FILE_APPEND);
    $bytes += strlen($data);
}
file_put_contents("$to.end", $bytes);
header('Content-Type: text/plain');
echo "read=$bytes\n";
